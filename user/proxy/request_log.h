/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The worker's side of the request log: one line of JSON for each request, tunnel and
 * refused attempt, when it ends. docs/json.md describes the fields.
 *
 * Lines wait in one buffer, which is written to a pipe at the end of each round of the
 * loop. Nothing ever waits for that pipe. If it is full, lines are dropped and counted. The
 * next line that gets through stands after one that tells the count.
 *
 * A line is ASCII, and at most LOG_LINE_MAX bytes long. A byte that is not printable ASCII
 * becomes '?', and quotes are escaped. So nothing that a job sends can end a line, begin a
 * field, or be a command to a terminal. The pipe takes whole lines or nothing, since no
 * write is longer than PIPE_BUF (pipe(7)).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jobfence/reasons.h"
#include "proxy/settings.h"
#include "proxy/slice.h"

#define LOG_LINE_MAX 4096
#define LOG_PATH_MAX 200 /* bytes of a path that a line holds */

struct loop;
struct request_log;

enum log_kind { LOG_REQUEST, LOG_TUNNEL, LOG_DNS };
enum log_by { LOG_BY_NOBODY, LOG_BY_SITE, LOG_BY_FENCE };

/*
 * What a line says. A pointer that is NULL and a number that is 0 are not known, except for
 * numbers of bytes. Texts may hold any byte.
 */
struct log_line {
	uint64_t began, first_byte; /* ns of CLOCK_MONOTONIC */
	uint32_t pid;
	const char *comm;
	enum log_kind kind;
	const char *method, *scheme, *path;
	struct slice host; /* `bytes` is NULL if it is not known */
	uint16_t port;
	unsigned status;
	enum log_by by;
	enum reason reason;
	const char *detail, *more_detail; /* the second follows the first */
	uint64_t sent, received;	  /* bytes, by the job */
	const char *upstream;		  /* an address */
	const char *server_name;
	bool connected, reused; /* whether a site was connected, and had been before */
};

/*
 * Makes the log of the worker, which writes to `pipe`. Call it before the sandbox is
 * closed. Returns 0 or -ENOMEM.
 */
int request_log_new(struct loop *loop, const struct proxy_settings *settings, int pipe,
	struct request_log **log);
void request_log_free(struct request_log *log);

/* Adds a line. */
void request_log_add(struct request_log *log, const struct log_line *line);

/* The job ends: writes wait for room in the pipe, for 80 ms from now at most. */
void request_log_end(struct request_log *log);

/* Writes what waits. The loop does so at the end of each round. */
void request_log_flush(struct request_log *log);
