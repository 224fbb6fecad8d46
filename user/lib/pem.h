/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Certificates in files of PEM (RFC 7468), without a look into them. */

#include <stddef.h>

/*
 * Copies the certificates of a text to `copy`, which has room for `length` + 1 bytes, and
 * ends each with a newline. All else stays out: comments, private keys, what is cut off,
 * and what has other characters than base64 has. A NUL follows, which does not count.
 *
 * Returns the length of the copy. 0: there are none.
 */
size_t pem_certificates(const char *text, size_t length, char *copy);
