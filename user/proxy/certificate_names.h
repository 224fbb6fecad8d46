/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Where a certificate (RFC 5280 section 4.1) has its names. Nothing else of it is read. */

struct certificate_names {
	const unsigned char *subject; /* DER, a Name */
	long subject_length;
};

/*
 * Finds the names of a certificate in DER, which has to be all of the bytes. Returns 0 or
 * -EINVAL.
 */
int certificate_find_names(
	const unsigned char *bytes, long length, struct certificate_names *names);
