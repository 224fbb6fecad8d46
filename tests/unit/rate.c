// SPDX-License-Identifier: BSD-2-Clause
/* Rates in tc's notation, there and back. */

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "lib/rate.h"

static void rates_become_bits_per_second(void **state)
{
	static const struct {
		const char *text;
		uint64_t rate;
	} rows[] = {
		{ "0", 0 },
		{ "0.0", 0 },
		{ "0mbit", 0 },
		{ "1mbit", 1000000 },
		{ "1Mbit", 1000000 },
		{ "1MBIT", 1000000 },
		{ "500kbit", 500000 },
		{ "8000", 8000 },
		{ "8000bit", 8000 },
		{ "8kbit", 8000 },
		{ "1000bps", 8000 },
		{ "1kbps", 8000 },
		{ "10mbps", 80000000 },
		{ "1gbps", 8000000000 },
		{ "10gbit", 10000000000 },
		{ "0.01tbit", 10000000000 },
		{ "0.001tbps", 8000000000 },
		{ "1mibit", 1048576 },
		{ "8Kibit", 8192 },
		{ "1KiBps", 8192 },
		{ "1mibps", 8388608 },
		{ "1gibit", 1073741824 },
		{ "0.005tibit", 5497558139 },
		{ "1.5mbit", 1500000 },
		{ "1.mbit", 1000000 },
		{ "1.1mbit", 1100000 },
		{ "0000001mbit", 1000000 },
		{ "9.9999mbit", 9999900 },
		{ "8000.4", 8000 },
		{ "8000.6", 8001 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t rate = 1;

		if (rate_parse(rows[i].text, &rate))
			fail_msg("refused: %s", rows[i].text);
		if (rate != rows[i].rate)
			fail_msg("%s: %" PRIu64, rows[i].text, rate);
	}
}

static void assert_refused(const char *text, int error)
{
	uint64_t rate = 7;

	if (rate_parse(text, &rate) != error)
		fail_msg("%s: not %d", text, error);
	assert_int_equal(rate, 7);
}

static void what_is_no_rate_is_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"mbit",
		"-1mbit",
		"+1mbit",
		" 1mbit",
		"1mbit ",
		"1 mbit",
		"1e6",
		"0x2000",
		"inf",
		"nan",
		"1,5mbit",
		".5mbit",
		"1..5mbit",
		"1.5.5mbit",
		"50%",
		"1m",
		"1mb",
		"1mbits",
		"1mbit/s",
		"1ibit",
		"1kkbit",
		"1pbit",
		"1k\vbit",
		"unlimited",
		"1000000000000000000000000000000000kbit",
		"0.000000000000000000000000000000001kbit",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_refused(rows[i], -EINVAL);
}

static void rates_out_of_range_are_refused(void **state)
{
	static const char *const rows[] = {
		"1",
		"7999",
		"7.999kbit",
		"999bps",
		"10000000001",
		"10.1gbit",
		"1.3gbps",
		"1tbit",
		"10gibit",
		"9999999999999999tbit",
		"0.1",
		"0.00001bit",
		"0.0000000001",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_refused(rows[i], -ERANGE);
}

static void a_rate_is_written_in_the_largest_unit(void **state)
{
	static const struct {
		uint64_t rate;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ 8000, "8kbit" },
		{ 8001, "8001bit" },
		{ 1000000, "1mbit" },
		{ 1500000, "1500kbit" },
		{ 1048576, "1048576bit" },
		{ 10000000000, "10gbit" },
		{ 5000000000000, "5tbit" },
		{ 7000000000000000, "7000tbit" },
		{ UINT64_MAX, "18446744073709551615bit" },
	};
	char text[RATE_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		rate_format(rows[i].rate, text);
		assert_string_equal(text, rows[i].text);
	}
}

static void what_is_written_reads_the_same(void **state)
{
	char text[RATE_TEXT_MAX];

	(void)state;
	for (uint64_t rate = RATE_MIN; rate <= RATE_MAX; rate += rate / 3 + 1) {
		uint64_t again = 0;

		rate_format(rate, text);
		assert_int_equal(rate_parse(text, &again), 0);
		assert_int_equal(again, rate);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_become_bits_per_second),
		cmocka_unit_test(what_is_no_rate_is_refused),
		cmocka_unit_test(rates_out_of_range_are_refused),
		cmocka_unit_test(a_rate_is_written_in_the_largest_unit),
		cmocka_unit_test(what_is_written_reads_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
