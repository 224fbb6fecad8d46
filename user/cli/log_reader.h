/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Reads the lines of a request log while it grows. Its writer copies the file to an older
 * half, FILE.1, and then truncates the file.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "lib/failure.h"

/* A line has the time and a number among its first bytes, so no two logs begin alike. */
#define LOG_MARK_SIZE 256
#define LOG_LINE_MAX  16384

struct log_reader {
	int file, old; /* `old` is -1 if there is no older half */
	/* The first bytes of the half that is being read, and the place in it. */
	char mark[LOG_MARK_SIZE];
	size_t mark_length;
	off_t at;
	bool finished; /* the older half was read to its end */
	/* The line that is being read. */
	char line[LOG_LINE_MAX];
	size_t length;
	bool too_long;
	/* Lines that are no line: too long, or without an end. */
	unsigned long broken;
	/* Lines were overwritten before they were read. */
	bool lost;
};

#define LOG_READER_CLOSED \
	{ \
		.file = -1, .old = -1 \
	}

/* Opens a log. Returns 0, or -errno with the failure noted. */
int log_reader_open(struct log_reader *reader, const char *path, struct failure *failure);
void log_reader_close(struct log_reader *reader);

/* Gets a line without its end, which is a text. Returns 0, or -errno to stop. */
typedef int log_line_taker(const char *line, size_t length, void *data);

/*
 * Reads everything that is there now and was not read before. Calls `take` with each
 * whole line. Returns 0 or -errno.
 */
int log_reader_read(struct log_reader *reader, log_line_taker *take, void *data);

/* No more lines will come. A line without an end is broken. */
void log_reader_end(struct log_reader *reader);
