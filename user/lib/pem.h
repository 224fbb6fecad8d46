/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Certificates in files of PEM (RFC 7468), without a look into them. */

#include <stddef.h>

/*
 * Copies the certificates of a text to `copy`, which has room for `length` + 2 bytes, and
 * ends each with a newline, also a last one that has none. All else stays out: comments,
 * private keys, what is cut off, and what has other characters than base64 has. A NUL
 * follows, which does not count.
 *
 * Returns the length of the copy. 0: there are none.
 */
size_t pem_certificates(const char *text, size_t length, char *copy);

/* Where the last certificate of such a copy begins. `length`: there is none. */
size_t pem_last(const char *copy, size_t length);

/*
 * Writes the managed policy of Chromium by which it trusts the first certificate of such a
 * copy (CACertificates, a list of certificates in base64). `policy` has room for
 * PEM_POLICY_EXTRA bytes more than the copy. Returns the length, without the NUL.
 */
size_t pem_chromium_policy(const char *copy, char *policy);

#define PEM_POLICY_EXTRA 64
