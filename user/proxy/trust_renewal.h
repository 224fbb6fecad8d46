/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Writes the certificate of a renewed authority, as PEM, into the files at FD_TRUST_CA and
 * the numbers after it. In the bundle it takes the place of the one before, which is last.
 * Programs of the job have the files mounted, so they are written in place, and cut only
 * after that. Returns 0 or -errno.
 */
int trust_renewal_write(const char *pem);
