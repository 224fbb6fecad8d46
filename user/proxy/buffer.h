/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Buffers of one size. A connection takes a buffer from the pool when bytes arrive. It
 * gives the buffer back when they are gone. So an idle connection has none.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "jobfence/abi.h"

#define BUFFER_SIZE 32768 /* bytes. Also the longest head of a request or response */

/*
 * Buffers in use at once: two for each connection that the job may have. Bytes on their way
 * in one direction take no more. A job that fills both directions of all its connections is
 * cut off.
 */
#define BUFFERS_MAX (2 * JOB_CONNECTIONS_MAX)

struct buffer {
	struct buffer *next; /* in the pool */
	size_t start, end;   /* the bytes in it: bytes[start] to bytes[end - 1] */
	char bytes[BUFFER_SIZE];
};

/* Returns an empty buffer. Returns NULL without memory, or if BUFFERS_MAX are in use. */
struct buffer *buffer_get(void);

/* Gives `*buffer` back to the pool and sets it to NULL. It may be NULL already. */
void buffer_put(struct buffer **buffer);

/*
 * From now on, buffers are wiped as they are released. They may have had secrets.
 */
void buffers_wipe(void);

/* Gives the buffers of the pool, and all of the heap that is free, back to the system. */
void buffers_give_back(void);

/* Moves the bytes in it to the front. */
void buffer_compact(struct buffer *buffer);

/* Appends bytes. Returns whether they fitted. If not, nothing is appended. */
bool buffer_append(struct buffer *buffer, const void *bytes, size_t length);

/* Appends a text. Returns whether it fitted. If not, nothing is appended. */
static inline bool buffer_append_text(struct buffer *buffer, const char *text)
{
	return buffer_append(buffer, text, strlen(text));
}

/* Appends a number in decimal. Returns whether it fitted. */
bool buffer_append_number(struct buffer *buffer, uint64_t number);

/*
 * Appends formatted text, which takes longer. Returns whether it fitted. If not, nothing is
 * appended.
 */
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

/* Returns how many more bytes fit. */
static inline size_t buffer_space(const struct buffer *buffer)
{
	return BUFFER_SIZE - buffer->end;
}
