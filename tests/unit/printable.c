// SPDX-License-Identifier: BSD-2-Clause
/* Foreign text, made safe for a terminal. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>

#include "lib/cleanup.h"
#include "lib/failure.h" /* before cmocka, which has a fail() of its own */
#include "lib/printable.h"

static int fail_with(struct failure *failure, const char *text)
{
	return fail(failure, -EIO, "%s", text);
}

#include <cmocka.h>

static void what_a_terminal_obeys_becomes_a_question_mark(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "", "" },
		{ "plain ~", "plain ~" },
		{ "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
			"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "\x1b]0;owned\a\x1b[2K\r\n\t\x7f", "?]0;owned??[2K????" },
		/* C1, as a byte and as a character. */
		{ "a\x9b"
		  "2J",
			"a?2J" },
		{ "a\xc2\x9b"
		  "2J\xc2\x80\xc2\xa0",
			"a?2J?\xc2\xa0" },
		/* NOLINTNEXTLINE(misc-misleading-bidirectional): that is what is tried */
		{ "\xe2\x80\xae\xe2\x81\xa6\xe2\x80\x8f\xd8\x9c\xe2\x80\xa8\xef\xbb\xbf",
			"??????" },
		/*
		 * Bytes that are not UTF-8: overlong, a surrogate, beyond the last
		 * character, without a beginning or an end.
		 */
		{ "\xc0\xaf.\xe0\x80\xaf.\xed\xa0\x80.\xf4\x90\x80\x80.", "??.?.?.?." },
		{ "\x80.\xff.\xe2\x82.\xf0\x9f\x98.", "?.?.??.???." },
		/* The end was cut. */
		{ "a\xc3", "a" },
		{ "a\xe2\x82", "a" },
		{ "a\xf0\x9f\x98", "a" },
		{ "a\x80", "a?" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_free_ char *text = strdup(rows[i].text);
		char shown[PRINTABLE_SIZE];

		assert_non_null(text);
		make_printable(text);
		assert_string_equal(text, rows[i].expected);
		make_printable(text);
		assert_string_equal(text, rows[i].expected);
		assert_string_equal(printable(rows[i].text, shown), rows[i].expected);
	}
}

static void a_failure_is_printable_and_cut_at_a_character(void **state)
{
	struct failure failure;
	char text[2 * sizeof(failure.text)];

	(void)state;
	assert_int_equal(fail_with(&failure, "\x1b[2K\xc2\x9b"), -EIO);
	assert_string_equal(failure.text, "?[2K?: Input/output error");
	for (size_t shift = 0; shift < 3; shift++) {
		size_t length = shift;

		memset(text, 'a', shift);
		while (length + 4 < sizeof(text)) {
			memcpy(text + length, "\xe2\x82\xac", 3);
			length += 3;
		}
		text[length] = '\0';
		fail_with(&failure, text);
		length = strlen(failure.text);
		assert_in_range(length, sizeof(failure.text) - 3, sizeof(failure.text) - 1);
		assert_memory_equal(failure.text, text, length);
		assert_int_equal((length - shift) % 3, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_terminal_obeys_becomes_a_question_mark),
		cmocka_unit_test(a_failure_is_printable_and_cut_at_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
