/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The supervisor's side of the request log. It takes the worker's lines out of a pipe and
 * writes them to their destination. It never waits for that one.
 *
 * After each look at the pipe it rests for 10 ms, so many lines cost one write. It passes
 * on whole lines only. It does not parse them, but a byte that is neither printable ASCII
 * nor the end of a line becomes `?`. So a worker that was taken over can write lines of its
 * own job, and no more. It controls no terminal.
 *
 *	destination	 full		   nobody reads
 *	regular file	 see below
 *	anything else	 EAGAIN: lines wait here and in the pipe. The worker drops others
 *
 * A regular file that would grow beyond half of what the log may have is copied to the file
 * for older lines and emptied. Nobody else writes to it, so no line is lost. Without a file
 * for older lines it is the caller's own, and grows as the caller lets it. If the file
 * system is full, lines are lost and counted. Once there is room again, a line tells how
 * many, before the next line or at the end of the job.
 */

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_SINK_BYTES 32768

struct log_sink {
	int pipe; /* -1: there is no log */
	int file, old;
	const char *job;
	uint64_t max;  /* bytes of the file */
	bool regular;  /* so is the file */
	bool skipping; /* the rest of a line that is too long */
	bool blocked;  /* the destination takes nothing now */
	bool ended;    /* nobody has the other end of the pipe */
	bool torn;     /* the destination has a part of a line, without its end */
	uint64_t lost; /* lines, not told yet */
	int64_t rest;  /* until then nothing is done, ms of CLOCK_MONOTONIC */
	int64_t full;  /* until then the older lines are not copied again */
	size_t length; /* of what waits here */
	char bytes[LOG_SINK_BYTES];
};

/*
 * Sets up the sink of a job. `old` is -1 if there is no file for older lines. `max` is for
 * both files together.
 */
void log_sink_open(
	struct log_sink *sink, const char *job, int pipe, int file, int old, uint64_t max);

/*
 * Tells what to wait for, in `*fd`. Returns for how many ms at most, or -1: for ever. Then
 * call log_sink_run(), with what poll(2) found.
 */
int log_sink_prepare(const struct log_sink *sink, struct pollfd *fd);
void log_sink_run(struct log_sink *sink, const struct pollfd *fd);

/* Passes on what is there, as far as the destination takes it. */
void log_sink_drain(struct log_sink *sink);

/*
 * Passes on the last lines, and tells how many are lost, as far as the destination has room
 * for that.
 */
void log_sink_end(struct log_sink *sink);
