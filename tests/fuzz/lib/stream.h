/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* All the bytes of one direction. */

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "require.h"

struct stream {
	char *bytes;
	size_t length, room;
};

static inline void stream_append(struct stream *stream, const void *bytes, size_t length)
{
	if (stream->length + length > stream->room) {
		stream->room = 2 * (stream->length + length);
		stream->bytes = realloc(stream->bytes, stream->room);
		require(stream->bytes);
	}
	if (length)
		memcpy(stream->bytes + stream->length, bytes, length);
	stream->length += length;
}

static inline void stream_free(struct stream *stream)
{
	free(stream->bytes);
	*stream = (struct stream){ 0 };
}
