// SPDX-License-Identifier: BSD-2-Clause
/* See moment.h. */

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/moment.h"

#define NANOSECONDS 1000000000ULL

void moment_format(uint64_t boottime, char text[MOMENT_TEXT_MAX])
{
	struct timespec boot, wall;
	time_t seconds;
	struct tm parts;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_REALTIME, &wall);
	seconds = wall.tv_sec - boot.tv_sec + (time_t)(boottime / NANOSECONDS);
	gmtime_r(&seconds, &parts);
	strftime(text, MOMENT_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

void ending_format(int status, char text[ENDING_TEXT_MAX])
{
	if (WIFSIGNALED(status))
		snprintf(text, ENDING_TEXT_MAX, "signal %d (%s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	else
		snprintf(text, ENDING_TEXT_MAX, "status %d", WEXITSTATUS(status));
}
