// SPDX-License-Identifier: BSD-2-Clause
/*
 * A reader knows its half of the log by the first bytes of it, not by the name. So it
 * goes on in the older half after the file was copied there, at the same place.
 *
 * The writer takes no locks. So each piece counts only if the half still begins with the
 * same bytes after the piece was read.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/log_reader.h"
#include "lib/cleanup.h"

#define PIECE_SIZE 65536

static ssize_t read_at(int fd, char *bytes, size_t size, off_t at)
{
	ssize_t count;

	do
		count = pread(fd, bytes, size, at);
	while (count < 0 && errno == EINTR);
	return count < 0 ? -errno : count;
}

/* FILE may be a pipe, where reading would take the lines away from their reader. */
static int open_half(const char *path, struct failure *failure)
{
	_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	struct stat state;

	if (fd < 0 || fstat(fd, &state))
		return fail(failure, -errno, "cannot read the log %s", path);
	if (!S_ISREG(state.st_mode))
		return fail_as(failure, STATUS_FAILED,
			"%s is no regular file; whoever reads from it has the log", path);
	return TAKE_FD(fd);
}

int log_reader_open(struct log_reader *reader, const char *path, struct failure *failure)
{
	char old[PATH_MAX];
	struct failure ignored;

	*reader = (struct log_reader)LOG_READER_CLOSED;
	if (snprintf(old, sizeof(old), "%s.1", path) >= (int)sizeof(old))
		return fail(failure, -ENAMETOOLONG, "log %s", path);
	reader->file = open_half(path, failure);
	if (reader->file < 0)
		return reader->file;
	reader->old = open_half(old, &ignored);
	if (reader->old >= 0)
		reader->mark_length =
			(size_t)read_at(reader->old, reader->mark, sizeof(reader->mark), 0);
	if (reader->mark_length > sizeof(reader->mark))
		reader->mark_length = 0;
	return 0;
}

void log_reader_close(struct log_reader *reader)
{
	cleanup_fd(&reader->file);
	cleanup_fd(&reader->old);
}

static bool is_marked(const struct log_reader *reader, int fd)
{
	char mark[LOG_MARK_SIZE];

	return fd >= 0 &&
	       read_at(fd, mark, reader->mark_length, 0) == (ssize_t)reader->mark_length &&
	       !memcmp(mark, reader->mark, reader->mark_length);
}

static bool is_empty(int fd)
{
	char byte;

	return fd < 0 || read_at(fd, &byte, 1, 0) < 1;
}

void log_reader_end(struct log_reader *reader)
{
	if (reader->length || reader->too_long)
		reader->broken++;
	reader->length = 0;
	reader->too_long = false;
}

/* Begins to read a half at its start. */
static void turn_to(struct log_reader *reader, int fd)
{
	ssize_t count = read_at(fd, reader->mark, sizeof(reader->mark), 0);

	log_reader_end(reader);
	reader->mark_length = count > 0 ? (size_t)count : 0;
	reader->at = 0;
	reader->finished = false;
}

/* The mark grows with the half, until it is complete. */
static void grow_mark(struct log_reader *reader, const char *bytes, size_t count)
{
	size_t end = (size_t)reader->at + count, from = reader->mark_length;

	if (end > LOG_MARK_SIZE)
		end = LOG_MARK_SIZE;
	if ((size_t)reader->at > from || end <= from)
		return;
	memcpy(reader->mark + from, bytes + (from - (size_t)reader->at), end - from);
	reader->mark_length = end;
}

static int end_line(struct log_reader *reader, log_line_taker *take, void *data)
{
	size_t length = TAKE(reader->length, 0);

	if (reader->too_long) {
		reader->too_long = false;
		reader->broken++;
		return 0;
	}
	reader->line[length] = '\0';
	return take(reader->line, length, data);
}

static int take_bytes(struct log_reader *reader, const char *bytes, size_t count,
	log_line_taker *take, void *data)
{
	int error = 0;

	while (count && !error) {
		const char *newline = memchr(bytes, '\n', count);
		size_t length = newline ? (size_t)(newline - bytes) : count;

		if (reader->too_long || reader->length + length >= LOG_LINE_MAX) {
			reader->too_long = true;
		} else {
			memcpy(reader->line + reader->length, bytes, length);
			reader->length += length;
		}
		if (newline)
			error = end_line(reader, take, data);
		length += newline != NULL;
		bytes += length;
		count -= length;
	}
	return error;
}

/* The half that is being read. It is none if it was overwritten. */
static int find_half(const struct log_reader *reader)
{
	if (is_marked(reader, reader->file))
		return reader->file;
	return is_marked(reader, reader->old) ? reader->old : -1;
}

/* Whether there is more to read after the end of the half `fd`. */
static bool go_on(struct log_reader *reader, int fd)
{
	if (fd == reader->file)
		return false;
	if (is_empty(reader->file)) {
		reader->finished = true;
		return false;
	}
	turn_to(reader, reader->file);
	return true;
}

int log_reader_read(struct log_reader *reader, log_line_taker *take, void *data)
{
	char bytes[PIECE_SIZE];
	int error = 0;

	while (!error) {
		int fd = find_half(reader);
		ssize_t count = fd < 0 ? 0 : read_at(fd, bytes, sizeof(bytes), reader->at);

		if (count < 0)
			return (int)count;
		if (fd < 0) {
			reader->lost |= !reader->finished;
			turn_to(reader, is_empty(reader->old) ? reader->file : reader->old);
			continue;
		}
		if (!is_marked(reader, fd))
			continue;
		if (!count && !go_on(reader, fd))
			break;
		grow_mark(reader, bytes, (size_t)count);
		reader->at += count;
		error = take_bytes(reader, bytes, (size_t)count, take, data);
	}
	return error;
}
