// SPDX-License-Identifier: BSD-2-Clause
/* See moment.h. */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/moment.h"

#define LOOKS 5 /* at both clocks */

static const struct {
	char letter;
	int64_t seconds;
} units[] = { { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };

/*
 * Returns the time of CLOCK_REALTIME at which CLOCK_BOOTTIME was 0, in ns. Others may run
 * between a look at the one and at the other, so the quickest of some looks counts.
 */
static int64_t booted(void)
{
	uint64_t least = UINT64_MAX;
	int64_t at = 0;

	for (int i = 0; i < LOOKS; i++) {
		uint64_t before = clock_ns(CLOCK_BOOTTIME);
		uint64_t now = clock_ns(CLOCK_REALTIME);
		uint64_t took = clock_ns(CLOCK_BOOTTIME) - before;

		if (took >= least)
			continue;
		least = took;
		at = (int64_t)(now - before - took / 2);
	}
	return at;
}

void moment_format(uint64_t boottime, char text[MOMENT_TEXT_MAX])
{
	uint64_t realtime = (uint64_t)booted() + boottime;
	size_t length;

	moment_format_real(realtime, text);
	length = strlen(text) - strlen("Z");
	snprintf(text + length, MOMENT_TEXT_MAX - length, ".%03uZ",
		(unsigned)(realtime % SECOND / MILLISECOND));
}

void moment_format_real(uint64_t realtime, char text[MOMENT_TEXT_MAX])
{
	time_t seconds = (time_t)(realtime / SECOND);
	struct tm parts;

	gmtime_r(&seconds, &parts);
	strftime(text, MOMENT_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

void duration_format(int64_t seconds, char text[DURATION_TEXT_MAX])
{
	size_t i = 0;

	while (i < ARRAY_SIZE(units) - 1 && seconds < 2 * units[i].seconds)
		i++;
	snprintf(text, DURATION_TEXT_MAX, "%lld%c", (long long)(seconds / units[i].seconds),
		units[i].letter);
}

/* Returns the seconds, or -EINVAL. */
static int64_t parse_duration(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	/* Nine digits of days are no overflow. */
	if (!digits || digits > 9 || strlen(text) != digits + 1)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (text[digits] == units[i].letter)
			return strtol(text, NULL, 10) * units[i].seconds;
	return -EINVAL;
}

/* What follows the time of day: Z or +hh:mm. Returns 0 with the seconds east of UTC. */
static int parse_zone(const char *text, int64_t *east)
{
	static const char digits[] = "0123456789";
	long hours, minutes;

	*east = 0;
	if (!strcmp(text, "Z") || !strcmp(text, "z"))
		return 0;
	if ((text[0] != '+' && text[0] != '-') || strspn(text + 1, digits) != 2 ||
		text[3] != ':' || strspn(text + 4, digits) != 2 || text[6])
		return -EINVAL;
	hours = strtol(text + 1, NULL, 10);
	minutes = strtol(text + 4, NULL, 10);
	if (hours > 23 || minutes > 59)
		return -EINVAL;
	*east = (text[0] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
	return 0;
}

/* RFC 3339 section 5.6. A fraction of a second is cut to nanoseconds. */
static int parse_date(const char *text, int64_t *ns)
{
	struct tm parts = {};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
	int64_t east, fraction = 0, unit = (int64_t)SECOND;

	if (!rest)
		return -EINVAL;
	if (*rest == '.') {
		if (!isdigit((unsigned char)*++rest))
			return -EINVAL;
		for (; isdigit((unsigned char)*rest); rest++) {
			unit /= 10;
			fraction += unit * (*rest - '0');
		}
	}
	if (parse_zone(rest, &east) || parts.tm_year > 300)
		return -EINVAL;
	/* Long before the boot. The product would overflow before 1678. */
	if (parts.tm_year < 70) {
		*ns = 0;
		return 0;
	}
	*ns = ((int64_t)timegm(&parts) - east) * (int64_t)SECOND + fraction;
	return 0;
}

int moment_parse(const char *text, uint64_t *boottime)
{
	int64_t ago = parse_duration(text), ns;
	int64_t now = (int64_t)clock_ns(CLOCK_BOOTTIME);

	if (ago >= 0)
		ns = ago > now / (int64_t)SECOND ? 0 : now - ago * (int64_t)SECOND;
	else if (parse_date(text, &ns))
		return -EINVAL;
	else
		ns -= booted();
	*boottime = ns > 0 ? (uint64_t)ns : 0;
	return 0;
}

void ending_format(int status, char text[ENDING_TEXT_MAX])
{
	if (WIFSIGNALED(status))
		snprintf(text, ENDING_TEXT_MAX, "signal %d (%s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	else
		snprintf(text, ENDING_TEXT_MAX, "status %d", WEXITSTATUS(status));
}
