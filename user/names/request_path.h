/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The one form of the path of a request that is judged and sent. Two servers may read
 * one path in two ways, and a rule has to hold for both. The canonical form leaves
 * nothing to decode, collapse or resolve (RFC 3986 section 6.2.2):
 *
 *	- Unreserved characters are decoded, and other encodings have upper-case digits.
 *	- Slashes that follow each other are one slash. Then dot segments are resolved.
 *	- A missing path is "/". The query stays as it is.
 *
 * What could be read in another way all the same has no canonical form:
 *
 *	- an encoded slash, a backslash in either form, an encoding within an encoding
 *	- dot segments that lead above the root
 *	- a segment that is empty, "." or ".." before its parameter, as in "..;x", or
 *	  before an encoded question mark or number sign
 *	- control bytes and blanks, control bytes that are encoded, and bytes beyond ASCII
 *	- encoded bytes that are not UTF-8 (RFC 3629), as an overlong slash is not
 */

#include <stddef.h>

/*
 * Writes the canonical form of a path with its query. `out` is other memory, with room for
 * length + 1 bytes, and gets no NUL. The canonical form is the canonical form of itself.
 *
 * Returns NULL, or a part of a sentence that tells people what the path has. Then `out` has
 * no meaning.
 */
const char *request_path_canonical(
	const char *text, size_t length, char *out, size_t *out_length);

/* The length of the path in front of the query. */
size_t request_path_length(const char *text, size_t length);
