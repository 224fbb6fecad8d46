// SPDX-License-Identifier: BSD-2-Clause
/* See buffer.h. */

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/decimal.h"
#include "proxy/buffer.h"

#define POOL_MAX 8 /* buffers that are kept. The others go back to the system */
/*
 * After so many buffers at once, the whole heap goes back to the system, not only its end.
 */
#define MANY 128

static struct buffer *pool;
static unsigned pooled, used;
static bool many;
static bool wipes;

void buffers_wipe(void)
{
	wipes = true;
}

struct buffer *buffer_get(void)
{
	struct buffer *buffer = pool;

	if (used >= BUFFERS_MAX)
		return NULL;
	if (buffer) {
		pool = buffer->next;
		pooled--;
	} else {
		buffer = malloc(sizeof(*buffer));
		if (!buffer)
			return NULL;
	}
	used++;
	many |= used > MANY;
	buffer->next = NULL;
	buffer->start = buffer->end = 0;
	return buffer;
}

void buffer_put(struct buffer **buffer)
{
	if (!*buffer)
		return;
	if (wipes)
		explicit_bzero((*buffer)->bytes, (*buffer)->end);
	if (pooled < POOL_MAX) {
		(*buffer)->next = pool;
		pool = *buffer;
		pooled++;
	} else {
		free(*buffer);
	}
	*buffer = NULL;
	used--;
	if (many && used <= POOL_MAX) {
		malloc_trim(0);
		many = false;
	}
}

void buffers_give_back(void)
{
	while (pool) {
		struct buffer *next = pool->next;

		free(pool);
		pool = next;
	}
	pooled = 0;
	malloc_trim(0);
}

void buffer_compact(struct buffer *buffer)
{
	size_t gap = buffer->start;

	if (!gap)
		return;
	memmove(buffer->bytes, buffer->bytes + gap, buffer->end - gap);
	buffer->end -= gap;
	buffer->start = 0;
	if (wipes)
		explicit_bzero(buffer->bytes + buffer->end, gap);
}

bool buffer_append(struct buffer *buffer, const void *bytes, size_t length)
{
	if (length > buffer_space(buffer))
		return false;
	/* If `length` is 0, there may be no bytes to copy from. */
	if (length)
		memcpy(buffer->bytes + buffer->end, bytes, length);
	buffer->end += length;
	return true;
}

bool buffer_append_number(struct buffer *buffer, uint64_t number)
{
	char digits[DECIMAL_SIZE];

	return buffer_append(
		buffer, digits, (size_t)(decimal_write(digits, number) - digits));
}

bool buffer_format(struct buffer *buffer, const char *format, ...)
{
	size_t space = buffer_space(buffer);
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(buffer->bytes + buffer->end, space, format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= space)
		return false;
	buffer->end += (size_t)length;
	return true;
}
