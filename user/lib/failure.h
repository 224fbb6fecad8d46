/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A failure in words, on its way to the edge of the program. Only the edge prints it. A
 * function with something to say takes a `struct failure *`, and returns a negative errno
 * as any other function does. The text may quote foreign text, so it is made printable
 * here (printable.h).
 */

#include <stddef.h>

/* The exit statuses of every command except `run` and `exec`. */
enum status {
	STATUS_DONE = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2, /* the command line or a spec is wrong */
	STATUS_POLICY = 3,
	STATUS_NO_JOB = 4,
	STATUS_EXISTS = 5,
};

struct failure {
	enum status status;
	char text[512];
};

/*
 * Notes a failure: the text, then the meaning of `error` (a negative errno). The status
 * is STATUS_FAILED. Returns `error`.
 */
int fail(struct failure *failure, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Notes a failure whose text is complete, with a status of its own. Returns -EINVAL for
 * STATUS_USAGE, -ENOENT for STATUS_NO_JOB, -EEXIST for STATUS_EXISTS, and otherwise
 * -EPERM.
 */
int fail_as(struct failure *failure, enum status status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
