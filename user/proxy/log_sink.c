// SPDX-License-Identifier: BSD-2-Clause
/* See log_sink.h. */

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/clock.h"
#include "proxy/log_sink.h"
#include "proxy/log_text.h"

#define REST	   10	/* ms */
#define FULL_REST  1000 /* ms that a full file system is left alone */
#define COPY_BYTES 8192
#define READS_MAX  16 /* that fill the buffer, before others have their turn */

void log_sink_open(
	struct log_sink *sink, const char *job, int pipe, int file, int old, uint64_t max)
{
	struct stat status;

	sink->pipe = pipe;
	sink->file = file;
	sink->old = old;
	sink->job = job;
	sink->max = max / 2;
	sink->regular = pipe >= 0 && !fstat(file, &status) && S_ISREG(status.st_mode);
}

/* The length of the whole lines that wait. */
static size_t whole_lines(const struct log_sink *sink)
{
	const char *end = memrchr(sink->bytes, '\n', sink->length);

	return end ? (size_t)(end - sink->bytes) + 1 : 0;
}

static void consume(struct log_sink *sink, size_t length)
{
	sink->length -= length;
	memmove(sink->bytes, sink->bytes + length, sink->length);
}

static void lose(struct log_sink *sink, size_t length)
{
	sink->lost += log_count_lines(sink->bytes, length);
	consume(sink, length);
}

/* A terminal would obey control characters. The worker's own lines have none. */
static void make_harmless(char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((bytes[i] < ' ' || bytes[i] > '~') && bytes[i] != '\n')
			bytes[i] = '?';
}

/* Drops what is left of a line that did not fit into the buffer. */
static void skip(struct log_sink *sink)
{
	const char *end = memchr(sink->bytes, '\n', sink->length);

	consume(sink, end ? (size_t)(end - sink->bytes) + 1 : sink->length);
	sink->skipping = !end;
}

/* Reads what is there. Returns whether there may be more. */
static bool read_lines(struct log_sink *sink)
{
	size_t room = sizeof(sink->bytes) - sink->length;
	ssize_t length;

	do
		length = read(sink->pipe, sink->bytes + sink->length, room);
	while (length < 0 && errno == EINTR);
	sink->ended = room && !length;
	if (length <= 0)
		return false;
	make_harmless(sink->bytes + sink->length, (size_t)length);
	sink->length += (size_t)length;
	if (sink->skipping)
		skip(sink);
	if (sink->length == sizeof(sink->bytes) && !whole_lines(sink)) {
		sink->lost++;
		sink->length = 0;
		sink->skipping = true;
	}
	return (size_t)length == room;
}

/* The first line of the last sink->max bytes. A file from before may have more. */
static off_t first_line(const struct log_sink *sink, off_t size)
{
	off_t first = size - (off_t)sink->max;
	char bytes[PIPE_BUF];
	const char *end;
	ssize_t length;

	if (first <= 0)
		return 0;
	length = pread(sink->file, bytes, sizeof(bytes), first);
	end = length > 0 ? memchr(bytes, '\n', (size_t)length) : NULL;
	return end ? first + (end - bytes) + 1 : first;
}

/* Not by sendfile(2), which refuses a file that is open to append. */
static bool copy(const struct log_sink *sink, off_t from)
{
	char bytes[COPY_BYTES];
	ssize_t length;

	if (ftruncate(sink->old, 0) || lseek(sink->old, 0, SEEK_SET))
		return false;
	for (; (length = pread(sink->file, bytes, sizeof(bytes), from)) > 0; from += length)
		if (write(sink->old, bytes, (size_t)length) != length)
			return false;
	return !length;
}

/* Copies the file to the one for older lines, and empties it. Returns whether it did. */
static bool rotate(struct log_sink *sink, off_t size)
{
	int64_t now = clock_ms(CLOCK_MONOTONIC);

	if (sink->old < 0 || now < sink->full)
		return false;
	sink->full = now + FULL_REST;
	if (!copy(sink, first_line(sink, size)))
		return false;
	sink->full = 0;
	return !ftruncate(sink->file, 0);
}

/* Ends the part of a line that stayed. Returns whether the next line may begin. */
static bool end_torn(struct log_sink *sink)
{
	if (sink->torn && write(sink->file, "\n", 1) == 1)
		sink->torn = false;
	return !sink->torn;
}

/*
 * Appends whole lines to the regular file. Returns how many bytes of whole lines are there.
 *
 * A file without an older half is not ours alone. So it has no limit, and is not cut.
 */
static size_t append(struct log_sink *sink, const char *text, size_t length)
{
	struct stat status;
	const char *end;
	ssize_t written;

	if (!end_torn(sink) || fstat(sink->file, &status))
		return 0;
	if (sink->old >= 0 && (uint64_t)status.st_size + length > sink->max &&
		status.st_size) {
		if (!rotate(sink, status.st_size))
			return 0;
		status.st_size = 0;
	}
	written = write(sink->file, text, length);
	if (written <= 0 || (written < (ssize_t)length && sink->old >= 0 &&
				    !ftruncate(sink->file, status.st_size)))
		return 0;
	sink->torn = text[written - 1] != '\n';
	end = memrchr(text, '\n', (size_t)written);
	return end ? (size_t)(end - text) + 1 : 0;
}

/* Tells of lost lines. A line that tells is short, so a stream takes it whole. */
static void tell_lost(struct log_sink *sink)
{
	char line[LOG_DROPPED_SIZE];
	size_t length;

	if (!sink->lost || (sink->torn && !sink->regular))
		return;
	length = log_format_dropped(sink->job, sink->lost, line);
	if (sink->regular ? append(sink, line, length) == length
			  : write(sink->file, line, length) == (ssize_t)length)
		sink->lost = 0;
}

static void write_file(struct log_sink *sink, size_t length)
{
	size_t there = 0;

	tell_lost(sink);
	if (!sink->lost)
		there = append(sink, sink->bytes, length);
	consume(sink, there);
	lose(sink, length - there);
}

/* As many whole lines as a pipe takes at once, or a part of a line that is longer. */
static size_t piece(const struct log_sink *sink, size_t length)
{
	const char *end;

	if (length <= PIPE_BUF)
		return length;
	end = memrchr(sink->bytes, '\n', PIPE_BUF);
	return end ? (size_t)(end - sink->bytes) + 1 : PIPE_BUF;
}

/*
 * Writes pieces that a pipe takes whole or not at all. A terminal may take a part of a
 * line. The rest then is what comes next.
 */
static void write_stream(struct log_sink *sink, size_t length)
{
	sink->blocked = false;
	tell_lost(sink);
	while (length) {
		ssize_t written = write(sink->file, sink->bytes, piece(sink, length));

		if (written > 0) {
			sink->torn = sink->bytes[written - 1] != '\n';
			consume(sink, (size_t)written);
			length -= (size_t)written;
			continue;
		}
		sink->blocked = written < 0 && errno == EAGAIN;
		if (!sink->blocked)
			consume(sink, length);
		return;
	}
}

static void write_lines(struct log_sink *sink)
{
	size_t length = whole_lines(sink);

	if (length && sink->regular)
		write_file(sink, length);
	else if (length)
		write_stream(sink, length);
}

int log_sink_prepare(const struct log_sink *sink, struct pollfd *fd)
{
	int64_t left = sink->rest - clock_ms(CLOCK_MONOTONIC);

	*fd = (struct pollfd){ .fd = -1 };
	if (sink->pipe < 0 || sink->ended)
		return -1;
	if (left > 0)
		return (int)left;
	*fd = sink->blocked ? (struct pollfd){ .fd = sink->file, .events = POLLOUT }
			    : (struct pollfd){ .fd = sink->pipe, .events = POLLIN };
	return -1;
}

void log_sink_run(struct log_sink *sink, const struct pollfd *fd)
{
	if (fd->fd < 0 || !fd->revents)
		return;
	log_sink_drain(sink);
	sink->rest = clock_ms(CLOCK_MONOTONIC) + REST;
}

void log_sink_drain(struct log_sink *sink)
{
	bool more = true;

	if (sink->pipe < 0)
		return;
	if (sink->blocked)
		write_lines(sink);
	for (int i = 0; i < READS_MAX && more && !sink->blocked; i++) {
		more = read_lines(sink);
		write_lines(sink);
	}
}

void log_sink_end(struct log_sink *sink)
{
	log_sink_drain(sink);
	if (sink->pipe >= 0 && !sink->blocked)
		tell_lost(sink);
}
