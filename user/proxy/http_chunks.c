// SPDX-License-Identifier: BSD-2-Clause
/* See http_chunks.h, and RFC 9112 section 7.1. */

#include "lib/hexadecimal.h"
#include "proxy/http_chunks.h"

#define SIZE_MAX_DIGITS (UINT64_MAX >> 8) /* a further digit does not overflow */

static enum chunk_state read_size(struct http_chunks *chunks, char c)
{
	int digit = hexadecimal_digit(c);

	if (digit >= 0 && chunks->size <= SIZE_MAX_DIGITS) {
		chunks->size = 16 * chunks->size + (uint64_t)digit;
		chunks->digits = true;
		return CHUNK_SIZE;
	}
	if (c == ' ' || c == '\t') {
		chunks->irregular = true;
		return chunks->digits ? CHUNK_EXTENSION : CHUNK_SIZE;
	}
	chunks->irregular = true;
	chunks->extension = c == ';';
	return chunks->extension && chunks->digits ? CHUNK_EXTENSION : CHUNK_MALFORMED;
}

/* After blanks there may be an extension and nothing more. */
static enum chunk_state read_extension(struct http_chunks *chunks, char c)
{
	chunks->irregular = true;
	if (c == ' ' || c == '\t')
		return CHUNK_EXTENSION;
	if (c == ';')
		chunks->extension = true;
	return chunks->extension ? CHUNK_EXTENSION : CHUNK_MALFORMED;
}

static enum chunk_state end_line(struct http_chunks *chunks)
{
	switch (chunks->state) {
	case CHUNK_SIZE:
	case CHUNK_EXTENSION:
		if (!chunks->digits)
			return CHUNK_MALFORMED;
		chunks->digits = chunks->extension = false;
		return chunks->size ? CHUNK_DATA : CHUNK_TRAILER;
	case CHUNK_DATA_END:
		return CHUNK_SIZE;
	default:
		if (!chunks->line)
			return CHUNK_COMPLETE;
		chunks->line = false;
		return CHUNK_TRAILER;
	}
}

static enum chunk_state read_byte(struct http_chunks *chunks, char c)
{
	if (c == '\n') {
		chunks->irregular |= !chunks->cr;
		chunks->cr = false;
		return end_line(chunks);
	}
	if (chunks->cr || c == '\0')
		return CHUNK_MALFORMED;
	if (c == '\r') {
		chunks->cr = true;
		return chunks->state;
	}
	switch (chunks->state) {
	case CHUNK_SIZE:
		return read_size(chunks, c);
	case CHUNK_EXTENSION:
		return read_extension(chunks, c);
	case CHUNK_TRAILER:
		chunks->line = chunks->irregular = true;
		return CHUNK_TRAILER;
	default:
		return CHUNK_MALFORMED;
	}
}

size_t http_chunks_read(
	struct http_chunks *chunks, const char *bytes, size_t length, size_t *data)
{
	size_t at = 0;

	*data = 0;
	while (at < length && chunks->state < CHUNK_COMPLETE && chunks->state != CHUNK_DATA)
		chunks->state = read_byte(chunks, bytes[at++]);
	if (chunks->state != CHUNK_DATA)
		return at;
	*data = length - at;
	if (*data > chunks->size)
		*data = (size_t)chunks->size;
	chunks->size -= *data;
	if (!chunks->size)
		chunks->state = CHUNK_DATA_END;
	return at + *data;
}
