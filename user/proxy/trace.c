// SPDX-License-Identifier: BSD-2-Clause
/* See trace.h. */

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/printable.h"
#include "proxy/trace.h"

/* Returns whether all of it was written. */
static bool put(const char *line, size_t length)
{
	ssize_t written;

	do
		written = write(STDERR_FILENO, line, length);
	while (written < 0 && errno == EINTR);
	return written == (ssize_t)length;
}

void trace_write(uint64_t number, const char *format, ...)
{
	static const char anew[] = "trace: the log was full and begins anew\n";
	char line[TRACE_LINE_MAX];
	int length =
		snprintf(line, sizeof(line), "trace %llu: ", (unsigned long long)number);
	va_list arguments;
	size_t end;

	va_start(arguments, format);
	vsnprintf(line + length, sizeof(line) - (size_t)length - 1, format, arguments);
	va_end(arguments);
	make_printable(line);
	end = strlen(line);
	line[end++] = '\n';
	if (put(line, end) || ftruncate(STDERR_FILENO, 0))
		return;
	put(anew, sizeof(anew) - 1);
	put(line, end);
}
