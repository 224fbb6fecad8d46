// SPDX-License-Identifier: BSD-2-Clause
/*
 * Rates in the notation of tc(8). The number is read digit by digit. strtod(3) would
 * accept a sign, "inf", hexadecimal digits and the locale's decimal point. A double is
 * exact enough: its 53 bits hold RATE_MAX a hundred thousand times.
 */

#include "lib/rate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/cleanup.h"

/* Reads digits as a number. `scale` is ten to the power of their count. */
static const char *parse_digits(const char *text, double *number, double *scale)
{
	for (*number = 0, *scale = 1; *text >= '0' && *text <= '9'; text++) {
		*number = *number * 10 + (*text - '0');
		*scale *= 10;
	}
	return text;
}

/* Returns the end of the number, or NULL if there is no number. */
static const char *parse_number(const char *text, double *number)
{
	double fraction = 0, scale;
	const char *end = parse_digits(text, number, &scale);

	if (end == text)
		return NULL;
	if (*end == '.') {
		end = parse_digits(end + 1, &fraction, &scale);
		*number += fraction / scale;
	}
	return end;
}

/* Returns how many bits per second a unit stands for. 0: the unit is unknown. */
static double parse_unit(const char *unit)
{
	static const char prefixes[] = "kmgt";
	const char *prefix = *unit ? strchr(prefixes, *unit | 0x20) : NULL;
	double multiple = 1;

	if (!*unit)
		return 1;
	if (prefix) {
		double step = 1000;

		unit++;
		if (*unit == 'i' || *unit == 'I') {
			step = 1024;
			unit++;
		}
		for (; prefix >= prefixes; prefix--)
			multiple *= step;
	}
	if (!strcasecmp(unit, "bit"))
		return multiple;
	return strcasecmp(unit, "bps") ? 0 : 8 * multiple;
}

int rate_parse(const char *text, uint64_t *bits_per_second)
{
	double number, rate, unit;
	const char *end;

	/* More digits could turn a tiny rate into 0, which means no limit. */
	if (strnlen(text, RATE_TEXT_MAX) == RATE_TEXT_MAX)
		return -EINVAL;
	end = parse_number(text, &number);
	if (!end)
		return -EINVAL;
	unit = parse_unit(end);
	if (unit <= 0)
		return -EINVAL;
	rate = number * unit;
	if (number > 0 && (rate < RATE_MIN || rate > RATE_MAX))
		return -ERANGE;
	*bits_per_second = (uint64_t)(rate + 0.5);
	return 0;
}

void rate_format(uint64_t bits_per_second, char text[RATE_TEXT_MAX])
{
	static const char *const units[] = { "bit", "kbit", "mbit", "gbit", "tbit" };
	size_t i = 0;

	if (!bits_per_second) {
		snprintf(text, RATE_TEXT_MAX, "0");
		return;
	}
	for (; bits_per_second % 1000 == 0 && i + 1 < ARRAY_SIZE(units); i++)
		bits_per_second /= 1000;
	snprintf(text, RATE_TEXT_MAX, "%" PRIu64 "%s", bits_per_second, units[i]);
}
