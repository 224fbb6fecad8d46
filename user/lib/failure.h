/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A failure in words, on its way to the edge of the program. Only the edge prints it. A
 * function with something to say takes a `struct failure *`, and returns a negative errno
 * as any other function does. The text may quote foreign text, so it is made printable
 * here (printable.h).
 */

#include <stdarg.h>
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
	char text[1024];
	/* Where in the text it begins to say what to do. 0: it does not. */
	size_t next;
	/*
	 * The option, the key of the spec or the setting of the policy that failed, and its
	 * value. Empty: none in particular.
	 */
	char setting[64], value[320];
};

/*
 * Notes a failure: the text, then the meaning of `error` (a negative errno). The status
 * is STATUS_FAILED. Returns `error`.
 */
int fail(struct failure *failure, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Notes a failure whose text is complete, with a status of its own. The last "; " of the
 * format separates what happened from what to do. Returns -EINVAL for
 * STATUS_USAGE, -ENOENT for STATUS_NO_JOB, -EEXIST for STATUS_EXISTS, and otherwise
 * -EPERM.
 */
int fail_as(struct failure *failure, enum status status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

int fail_as_list(struct failure *failure, enum status status, const char *format,
	va_list arguments) __attribute__((format(printf, 3, 0)));

/*
 * Adds which setting failed, and its value (NULL: none). What is noted already stays: the
 * function that is nearest to the cause knows best. Both may be foreign text.
 */
void failure_about(struct failure *failure, const char *setting, const char *value);
