// SPDX-License-Identifier: BSD-2-Clause
/* Times as people write them. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/moment.h"

#define DAY (86400 * (int64_t)SECOND)

/* What is before the boot is the boot. */
static void times_before_the_boot(void **state)
{
	static const char *const texts[] = { "0001-01-01T00:00:00Z", "0000-01-01T00:00:00Z",
		"1677-09-21T00:12:43Z", "1677-09-21T00:12:43.5+23:59",
		"1969-12-31T23:59:59-23:59", "1970-01-01T00:00:00Z", "2000-01-01T00:00:00Z",
		"999999999d" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		uint64_t boottime = 1;

		assert_false(moment_parse(texts[i], &boottime));
		assert_int_equal(boottime, 0);
	}
}

static void times_to_come(void **state)
{
	uint64_t boottime;

	(void)state;
	assert_false(moment_parse("2200-12-31T23:59:59.999999999-23:59", &boottime));
	assert_true((int64_t)(boottime - clock_ns(CLOCK_BOOTTIME)) > DAY);
}

/* The same moment, with and without a zone, and as it is written by us. */
static void times_of_today(void **state)
{
	uint64_t now = clock_ns(CLOCK_BOOTTIME), boottime;
	char text[MOMENT_TEXT_MAX];

	(void)state;
	moment_format(now, text);
	assert_false(moment_parse(text, &boottime));
	assert_in_range(now - boottime + SECOND / 2, 0, 2 * SECOND);
	assert_false(moment_parse("0s", &boottime));
	assert_in_range(boottime, now, now + 60 * SECOND);
}

static void ages(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} ages[] = { { 0, "0s" }, { 119, "119s" }, { 120, "2m" }, { 7199, "119m" },
		{ 7200, "2h" }, { 172800, "2d" }, { INT64_MAX, "106751991167300d" },
		{ -1, "-1s" } };
	char text[DURATION_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ages); i++) {
		duration_format(ages[i].seconds, text);
		assert_string_equal(text, ages[i].text);
	}
}

static void no_times(void **state)
{
	static const char *const texts[] = { "", "1", "s", "1x", "1234567890s", "-1s",
		"2026-11-29", "2026-11-29T12:00:00", "2026-11-29T12:00:00.Z",
		"2026-11-29T12:00:00+1:00", "2026-11-29T12:00:00+24:00",
		"2026-11-29T12:00:00Zx", "2201-01-01T00:00:00Z", "9999-01-01T00:00:00Z" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		uint64_t boottime;

		assert_int_equal(moment_parse(texts[i], &boottime), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(times_before_the_boot),
		cmocka_unit_test(times_to_come), cmocka_unit_test(times_of_today),
		cmocka_unit_test(ages), cmocka_unit_test(no_times) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
