/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Chunks of a site's response, as clients read them. Lines may end in LF alone, and blanks
 * may stand around a size. llhttp reads the chunks of requests, strictly. Extensions and
 * trailers are skipped, not read. What they say may be malformed for a strict reader, so a
 * body with one counts as irregular. The code is pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum chunk_state {
	CHUNK_SIZE,	 /* digits, or blanks before them */
	CHUNK_EXTENSION, /* the rest of that line */
	CHUNK_DATA,
	CHUNK_DATA_END,
	CHUNK_TRAILER, /* lines to an empty one */
	CHUNK_COMPLETE,
	CHUNK_MALFORMED,
};

struct http_chunks {
	enum chunk_state state;
	uint64_t size;	/* what is left of the chunk, in bytes */
	bool digits;	/* its size has a digit */
	bool extension; /* there was a ";" after it */
	bool cr;	/* the byte before was a CR that begins the end of a line */
	bool line;	/* there is a byte in this line of the trailer */
	bool irregular; /* not all read this alike */
};

/*
 * Reads up to `length` bytes, and to the next piece of data at most. The last `*data` bytes
 * of those that were read are data. Returns how many were read. `state` says whether the
 * body is over.
 */
size_t http_chunks_read(
	struct http_chunks *chunks, const char *bytes, size_t length, size_t *data);
