// SPDX-License-Identifier: BSD-2-Clause
/*
 * See request_log.h. Each field has a bound, so a line always fits. Texts are written
 * without stdio(3), which would cost more than all the rest of a line.
 */

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/decimal.h"
#include "names/host.h"
#include "proxy/log_text.h"
#include "proxy/loop.h"
#include "proxy/request_log.h"

#define BUFFER_BYTES 16384
#define METHOD_MAX   32
#define DETAIL_MAX   200
#define RETRY	     (100 * MILLISECOND) /* before dropped lines are told without a line */
#define PATIENCE     80 /* ms, at the end of the job: the supervisor waits for 100 */

struct request_log {
	struct loop *loop;
	const char *job;
	int pipe;
	struct deferred last;
	struct timer again; /* while there is something to tell */
	int64_t end;	    /* up to which writes wait for room, ms. 0: they do not */
	uint64_t number;    /* of the last line */
	uint64_t dropped;   /* lines, since one got through */
	/* What CLOCK_REALTIME is ahead of the loop's clock, in this round. 0: not known */
	uint64_t ahead;
	size_t length;
	char bytes[BUFFER_BYTES];
};

_Static_assert(LOG_LINE_MAX <= PIPE_BUF, "the pipe takes a line whole or not at all");
_Static_assert(2 * (METHOD_MAX + COMM_LENGTH + 3 * NAME_LENGTH_MAX + LOG_PATH_MAX +
			   2 * DETAIL_MAX) <
		       LOG_LINE_MAX - 1024,
	"a line fits, with every text escaped");

static char *add(char *to, const char *text)
{
	return mempcpy(to, text, strlen(text));
}

/* Adds the inside of a string, at most `most` bytes of the text. */
static char *add_inside(char *to, const char *text, size_t length, size_t most)
{
	for (size_t i = 0; i < length && i < most; i++) {
		char c = text[i];

		if (c == '"' || c == '\\')
			*to++ = '\\';
		if (c < ' ' || c > '~')
			c = '?';
		*to++ = c;
	}
	return to;
}

static char *add_slice(
	char *to, const char *key, const char *text, size_t length, size_t most)
{
	to = add(to, key);
	if (!text)
		return add(to, "null");
	*to++ = '"';
	to = add_inside(to, text, length, most);
	*to++ = '"';
	return to;
}

static char *add_text(char *to, const char *key, const char *text, size_t most)
{
	return add_slice(to, key, text, text ? strlen(text) : 0, most);
}

static char *add_known(char *to, const char *key, uint64_t number)
{
	to = add(to, key);
	return number ? decimal_write(to, number) : add(to, "null");
}

/* Adds the time from `began` to `ended` in ms, with one decimal. */
static char *add_span(char *to, const char *key, uint64_t began, uint64_t ended)
{
	uint64_t tenths = ended > began ? (ended - began) / (MILLISECOND / 10) : 0;

	to = decimal_write(add(to, key), tenths / 10);
	*to++ = '.';
	*to++ = (char)('0' + tenths % 10);
	return to;
}

static char *add_detail(char *to, const struct log_line *line)
{
	if (!line->detail || !line->more_detail)
		return add_text(to,
			",\"detail\":", line->detail ? line->detail : line->more_detail,
			DETAIL_MAX);
	to = add(to, ",\"detail\":\"");
	to = add_inside(to, line->detail, strlen(line->detail), DETAIL_MAX);
	to = add(to, ": ");
	to = add_inside(to, line->more_detail, strlen(line->more_detail), DETAIL_MAX);
	*to++ = '"';
	return to;
}

/* Adds when it was, whose it is, and what was asked for. */
static char *add_question(char *to, struct request_log *log, const struct log_line *line)
{
	static const char *const kinds[] = { "request", "tunnel", "dns" };
	char time[LOG_TIME_SIZE];

	log_format_time(line->began + log->ahead, time);
	to = add(add(to, "{\"version\":1,\"time\":\""), time);
	to = add(add(to, "\",\"job\":\""), log->job);
	to = decimal_write(add(to, "\",\"number\":"), ++log->number);
	to = add_known(to, ",\"pid\":", line->pid);
	to = add_text(to, ",\"comm\":", line->comm, COMM_LENGTH);
	to = add(add(to, ",\"kind\":\""), kinds[line->kind]);
	to = add_text(to, "\",\"method\":", line->method, METHOD_MAX);
	to = add_text(to, ",\"scheme\":", line->scheme, METHOD_MAX);
	to = add_slice(
		to, ",\"host\":", line->host.bytes, line->host.length, NAME_LENGTH_MAX);
	to = add_known(to, ",\"port\":", line->port);
	return add_text(to, ",\"path\":", line->path, LOG_PATH_MAX);
}

/* Adds what became of it. */
static char *add_outcome(
	char *to, const struct request_log *log, const struct log_line *line)
{
	static const char *const by[] = { NULL, "site", "fence" };

	to = add_known(to, ",\"status\":", line->status);
	to = add_text(to, ",\"by\":", by[line->by], METHOD_MAX);
	to = add_text(to, ",\"reason\":", line->reason ? reason_word(line->reason) : NULL,
		METHOD_MAX);
	to = add_detail(to, line);
	to = decimal_write(add(to, ",\"sent\":"), line->sent);
	to = decimal_write(add(to, ",\"received\":"), line->received);
	to = add_span(to, ",\"milliseconds\":", line->began, loop_now(log->loop));
	to = line->first_byte ? add_span(to, ",\"first_byte_milliseconds\":", line->began,
					line->first_byte)
			      : add(to, ",\"first_byte_milliseconds\":null");
	to = add_text(to, ",\"upstream\":", line->upstream, NAME_LENGTH_MAX);
	to = add_text(to, ",\"server_name\":", line->server_name, NAME_LENGTH_MAX);
	to = add(to, ",\"reused\":");
	to = add(to, !line->connected ? "null" : line->reused ? "true" : "false");
	return add(to, "}\n");
}

void request_log_add(struct request_log *log, const struct log_line *line)
{
	char *begin;

	if (sizeof(log->bytes) - log->length < LOG_LINE_MAX)
		request_log_flush(log);
	if (!log->ahead)
		log->ahead = clock_ns(CLOCK_REALTIME) - loop_now(log->loop);
	begin = log->bytes + log->length;
	log->length +=
		(size_t)(add_outcome(add_question(begin, log, line), log, line) - begin);
}

/* Waits for room in the pipe, if the job ends. Returns whether to try again. */
static bool is_patient(const struct request_log *log)
{
	struct pollfd pipe = { .fd = log->pipe, .events = POLLOUT };
	const int64_t left = log->end - clock_ms(CLOCK_MONOTONIC);
	const struct timespec patience = { .tv_nsec = left * (int64_t)MILLISECOND };

	/* The sandbox has no poll(2). */
	return left > 0 && ppoll(&pipe, 1, &patience, NULL) > 0;
}

/* Writes the beginning of a text, as many whole lines as a write takes. 0: none. */
static size_t write_piece(const struct request_log *log, const char *text, size_t length)
{
	ssize_t written;

	if (length > LOG_LINE_MAX)
		length = (size_t)((char *)memrchr(text, '\n', LOG_LINE_MAX) - text) + 1;
	do
		written = write(log->pipe, text, length);
	while (written < 0 && (errno == EINTR || (errno == EAGAIN && is_patient(log))));
	return written < 0 ? 0 : (size_t)written;
}

/* Tells of lines that were dropped. Returns whether all is told. */
static bool tell_dropped(struct request_log *log)
{
	char line[LOG_DROPPED_SIZE];

	if (log->dropped &&
		write_piece(log, line, log_format_dropped(log->job, log->dropped, line)))
		log->dropped = 0;
	return !log->dropped;
}

void request_log_flush(struct request_log *log)
{
	size_t done = 0;

	log->ahead = 0;
	if (tell_dropped(log))
		for (size_t piece = 1; piece && done < log->length; done += piece)
			piece = write_piece(log, log->bytes + done, log->length - done);
	log->dropped += log_count_lines(log->bytes + done, log->length - done);
	log->length = 0;
	if (log->dropped)
		loop_set_timer(log->loop, &log->again, RETRY);
}

void request_log_end(struct request_log *log)
{
	log->end = clock_ms(CLOCK_MONOTONIC) + PATIENCE;
}

static void flush_again(struct timer *again)
{
	request_log_flush(container_of(again, struct request_log, again));
}

static void round_ended(struct deferred *last)
{
	request_log_flush(container_of(last, struct request_log, last));
}

int request_log_new(struct loop *loop, const struct proxy_settings *settings, int pipe,
	struct request_log **log)
{
	/* Most of it is not touched, so it takes no memory, before there is a line. */
	struct request_log *new = calloc(1, sizeof(*new));
	char time[LOG_TIME_SIZE];

	if (!new)
		return -ENOMEM;
	new->loop = loop;
	new->job = settings->job;
	new->pipe = pipe;
	new->last.run = round_ended;
	new->again.expired = flush_again;
	log_format_time(clock_ns(CLOCK_REALTIME), time);
	loop_set_last(loop, &new->last);
	*log = new;
	return 0;
}

void request_log_free(struct request_log *log)
{
	free(log);
}
