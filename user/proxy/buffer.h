/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Buffers of one size, taken from a pool when bytes arrive and given back when they are
 * gone: a connection that is idle has none.
 */

#include <stdbool.h>
#include <stddef.h>

#include "jobfence/abi.h"

#define BUFFER_SIZE 32768 /* bytes; also the longest head of a request or response */

/*
 * At once: two for each connection that there may be. Bytes on their way in one direction
 * take no more; who fills both on all of them is cut off.
 */
#define BUFFERS_MAX (2 * JOB_CONNECTIONS_MAX)

struct buffer {
	struct buffer *next; /* in the pool */
	size_t start, end;   /* what is in it: bytes[start] to bytes[end - 1] */
	char bytes[BUFFER_SIZE];
};

/* Returns an empty buffer, NULL when there is no memory, or enough of it is in use. */
struct buffer *buffer_get(void);

/* Gives `*buffer`, which may be NULL, back and sets it to NULL. */
void buffer_put(struct buffer **buffer);

/* Moves what is in it to the front. */
void buffer_compact(struct buffer *buffer);

/* Appends bytes. Returns whether they fitted; if not, nothing is appended. */
bool buffer_append(struct buffer *buffer, const void *bytes, size_t length);

/* Appends formatted text. Returns whether it fitted; if not, nothing is appended. */
bool buffer_format(struct buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static inline size_t buffer_length(const struct buffer *buffer)
{
	return buffer ? buffer->end - buffer->start : 0;
}

/* The first of the bytes in it. */
static inline const unsigned char *buffer_unread(const struct buffer *buffer)
{
	return (const unsigned char *)buffer->bytes + buffer->start;
}

/* How many bytes fit behind those that are there. */
static inline size_t buffer_space(const struct buffer *buffer)
{
	return BUFFER_SIZE - buffer->end;
}
