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

static void clear_details(struct failure *failure)
{
	failure->next = 0;
	failure->setting[0] = failure->value[0] = '\0';
}

/* Where the advice begins: after the last "; " of the format. It does not allocate. */
static size_t find_next(const char *format, va_list arguments)
{
	char start[sizeof(((struct failure *)0)->text)], text[sizeof(start)];
	const char *end = NULL;

	for (const char *at = format; (at = strstr(at, "; ")); at += 2)
		end = at + 2;
	if (!end || (size_t)(end - format) >= sizeof(start))
		return 0;
	memcpy(start, format, (size_t)(end - format));
	start[end - format] = '\0';
	if (vsnprintf(text, sizeof(text), start, arguments) >= (int)sizeof(text))
		return 0;
	make_printable(text);
	return strlen(text);
}

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
	clear_details(failure);
	failure->status = STATUS_FAILED;
	return error;
}

int fail_as(struct failure *failure, enum status status, const char *format, ...)
{
	va_list arguments;
	int error;

	va_start(arguments, format);
	error = fail_as_list(failure, status, format, arguments);
	va_end(arguments);
	return error;
}

int fail_as_list(
	struct failure *failure, enum status status, const char *format, va_list arguments)
{
	va_list again;

	va_copy(again, arguments);
	vsnprintf(failure->text, sizeof(failure->text), format, arguments);
	make_printable(failure->text);
	clear_details(failure);
	failure->next = find_next(format, again);
	va_end(again);
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

void failure_about(struct failure *failure, const char *setting, const char *value)
{
	if (failure->setting[0])
		return;
	snprintf(failure->setting, sizeof(failure->setting), "%s", setting);
	make_printable(failure->setting);
	snprintf(failure->value, sizeof(failure->value), "%s", value ? value : "");
	make_printable(failure->value);
}
