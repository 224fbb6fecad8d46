// SPDX-License-Identifier: BSD-2-Clause
/* See moment.h. */

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/moment.h"

void moment_format(uint64_t boottime, char text[MOMENT_TEXT_MAX])
{
	/* In nanoseconds. Whole seconds would differ by one from call to call. */
	int64_t booted = (int64_t)(clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME));

	moment_format_real((uint64_t)(booted + (int64_t)boottime), text);
}

void moment_format_real(uint64_t realtime, char text[MOMENT_TEXT_MAX])
{
	time_t seconds = (time_t)(realtime / SECOND);
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
