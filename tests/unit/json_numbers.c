// SPDX-License-Identifier: BSD-2-Clause
/* Numbers of a JSON text that pass through a parser that can't hold them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "lib/cleanup.h"
#include "lib/json_numbers.h"

static const char mark[NUMBER_MARK_SIZE] = "m";

/*
 * Fails unless hiding the numbers gives the expected text, and showing them gives the
 * first text again.
 */
static void hides(const char *text, const char *expected)
{
	size_t length = 0;
	_free_ char *hidden = numbers_hide(text, strlen(text), mark, &length);

	assert_string_equal(hidden, expected);
	assert_int_equal(length, strlen(expected));
	numbers_show(hidden, mark);
	assert_string_equal(hidden, text);
}

static void only_numbers_that_might_change_are_hidden(void **state)
{
	(void)state;
	hides("[0,-1,999999999999999999]", "[0,-1,999999999999999999]");
	hides("[18446744073709551615, 1]", "[\"m18446744073709551615\", 1]");
	hides("{\"a\":-9223372036854775809}", "{\"a\":\"m-9223372036854775809\"}");
	hides("[0.1,1e400,-0,1E+5]", "[\"m0.1\",\"m1e400\",-0,\"m1E+5\"]");
	hides("18446744073709551615", "\"m18446744073709551615\"");
	hides("", "");
}

static void strings_stay(void **state)
{
	(void)state;
	hides("\"18446744073709551615\"", "\"18446744073709551615\"");
	hides("[\"\\\"18446744073709551615\", \"\\\\\", 1.5]",
		"[\"\\\"18446744073709551615\", \"\\\\\", \"m1.5\"]");
	hides("\"18446744073709551615", "\"18446744073709551615");
	hides("\"1.5\\", "\"1.5\\");
}

static void what_is_no_number_stays(void **state)
{
	static const char *const rows[] = { "[00000000000000000000001]", "[1.]", "[.5]",
		"[1e]", "[+1]", "[--1]", "[18446744073709551615.]", "[1.5e+]", "[-]",
		"e.E" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		hides(rows[i], rows[i]);
}

static void they_pass_through_a_parser(void **state)
{
	static const char text[] = "{\"hard\":18446744073709551615,\"soft\":0.10,\"n\":7}";
	char secret[NUMBER_MARK_SIZE];
	size_t length = 0;
	_free_ char *hidden = NULL, *written = NULL;
	json_t *json;

	(void)state;
	assert_int_equal(number_mark_make(secret), 0);
	assert_int_equal(strlen(secret), NUMBER_MARK_SIZE - 1);
	hidden = numbers_hide(text, sizeof(text) - 1, secret, &length);
	json = json_loadb(hidden, length, 0, NULL);
	assert_non_null(json);
	written = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	numbers_show(written, secret);
	assert_string_equal(written, text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_numbers_that_might_change_are_hidden),
		cmocka_unit_test(strings_stay),
		cmocka_unit_test(what_is_no_number_stays),
		cmocka_unit_test(they_pass_through_a_parser),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
