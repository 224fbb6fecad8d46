/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What went wrong, in words, on its way from where it is known to the edge of the program, which
 * alone prints it. A function that has something to say takes a `struct failure *` and returns
 * a negative errno as any other. The text may have words of others in it: it is made printable here, see printable.h.
 */

#include <stddef.h>

/* Exit statuses of every command but `run` and `exec`. */
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

/* Notes a failure: the text, then what `error` (a negative errno) means. The status is
 * STATUS_FAILED. Returns `error`. */
int fail(struct failure *failure, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Notes a failure whose text says all, with a status of its own. Returns -EINVAL for
 * STATUS_USAGE, -ENOENT for STATUS_NO_JOB, -EEXIST for STATUS_EXISTS, otherwise -EPERM. */
int fail_as(struct failure *failure, enum status status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
