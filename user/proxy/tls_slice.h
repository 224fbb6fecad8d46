/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Numbers and vectors of TLS, taken from the front of bytes. */

#include <stdbool.h>
#include <stddef.h>

#include "proxy/slice.h"

static inline struct slice slice_of(const unsigned char *bytes, size_t length)
{
	return (struct slice){ (const char *)bytes, length };
}

/* Each of these takes something from the front of `from`, or returns false. */
static inline bool take(struct slice *from, size_t length, struct slice *taken)
{
	if (from->length < length)
		return false;
	*taken = (struct slice){ from->bytes, length };
	from->bytes += length;
	from->length -= length;
	return true;
}

static inline bool take_number(struct slice *from, size_t length, size_t *number)
{
	struct slice bytes;

	if (!take(from, length, &bytes))
		return false;
	*number = 0;
	for (size_t i = 0; i < length; i++)
		*number = *number << 8 | (unsigned char)bytes.bytes[i];
	return true;
}

/* A vector is preceded by its length, itself of `length_bytes` (RFC 8446 section 3.4). */
static inline bool take_vector(struct slice *from, size_t length_bytes, struct slice *taken)
{
	size_t length;

	return take_number(from, length_bytes, &length) && take(from, length, taken);
}
