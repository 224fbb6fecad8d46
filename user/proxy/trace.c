// SPDX-License-Identifier: BSD-2-Clause
/* See trace.h. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/printable.h"
#include "proxy/trace.h"

void trace_write(uint64_t number, const char *format, ...)
{
	char line[TRACE_LINE_MAX];
	int length =
		snprintf(line, sizeof(line), "trace %llu: ", (unsigned long long)number);
	va_list arguments;
	ssize_t written;
	size_t end;

	va_start(arguments, format);
	vsnprintf(line + length, sizeof(line) - (size_t)length - 1, format, arguments);
	va_end(arguments);
	make_printable(line);
	end = strlen(line);
	line[end++] = '\n';
	do
		written = write(STDERR_FILENO, line, end);
	while (written < 0 && errno == EINTR);
}
