// SPDX-License-Identifier: BSD-2-Clause
/*
 * A failure is one line of text and a status. Nothing is allocated, so noting a failure
 * can't fail.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/failure.h"
#include "lib/printable.h"

int fail(struct failure *failure, int error, const char *format, ...)
{
	size_t length;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(failure->text, sizeof(failure->text), format, arguments);
	va_end(arguments);
	length = strlen(failure->text);
	snprintf(failure->text + length, sizeof(failure->text) - length, ": %s",
		strerror(-error));
	make_printable(failure->text);
	failure->status = STATUS_FAILED;
	return error;
}

int fail_as(struct failure *failure, enum status status, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(failure->text, sizeof(failure->text), format, arguments);
	va_end(arguments);
	make_printable(failure->text);
	failure->status = status;
	switch (status) {
	case STATUS_USAGE:
		return -EINVAL;
	case STATUS_NO_JOB:
		return -ENOENT;
	case STATUS_EXISTS:
		return -EEXIST;
	default:
		return -EPERM;
	}
}
