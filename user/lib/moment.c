// SPDX-License-Identifier: BSD-2-Clause
/* See moment.h. */

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/moment.h"

#define NANOSECONDS 1000000000LL

/* In nanoseconds. Whole seconds would differ by one from call to call. */
static int64_t now_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NANOSECONDS + now.tv_nsec;
}

void moment_format(uint64_t boottime, char text[MOMENT_TEXT_MAX])
{
	int64_t booted = now_of(CLOCK_REALTIME) - now_of(CLOCK_BOOTTIME);
	time_t seconds = (time_t)((booted + (int64_t)boottime) / NANOSECONDS);
	struct tm parts;

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
