// SPDX-License-Identifier: BSD-2-Clause
/* See log_text.h. */

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/clock.h"
#include "proxy/log_text.h"

void log_format_time(uint64_t time, char text[LOG_TIME_SIZE])
{
	/* Most lines are of the same second as the one before. */
	static time_t formatted = -1;
	static char second[LOG_TIME_SIZE];
	time_t seconds = (time_t)(time / SECOND);
	unsigned milliseconds = (unsigned)(time % SECOND / MILLISECOND);
	struct tm parts;

	if (seconds != formatted) {
		gmtime_r(&seconds, &parts);
		strftime(second, sizeof(second), "%Y-%m-%dT%H:%M:%S.000Z", &parts);
		formatted = seconds;
	}
	memcpy(text, second, sizeof(second));
	for (size_t i = strlen(second) - 2; milliseconds; i--, milliseconds /= 10)
		text[i] = (char)('0' + milliseconds % 10);
}

size_t log_format_dropped(const char *job, uint64_t count, char line[LOG_DROPPED_SIZE])
{
	char time[LOG_TIME_SIZE];

	log_format_time(clock_ns(CLOCK_REALTIME), time);
	return (size_t)snprintf(line, LOG_DROPPED_SIZE,
		"{\"version\":%d,\"time\":\"%s\",\"job\":\"%s\",\"kind\":\"dropped\","
		"\"count\":%llu}\n",
		LOG_VERSION, time, job, (unsigned long long)count);
}

uint64_t log_count_lines(const char *text, size_t length)
{
	const char *end = text + length;
	uint64_t count = 0;

	while ((text = memchr(text, '\n', (size_t)(end - text)))) {
		count++;
		text++;
	}
	return count;
}
