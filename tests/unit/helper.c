// SPDX-License-Identifier: BSD-2-Clause
/* Programs that are asked for their judgement. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/helper.h"

/* Runs a script of the shell. `words` holds no zero before. */
static int run(const char *script, char words[HELPER_WORDS_MAX])
{
	const char *const arguments[] = { "/bin/sh", "-c", script, NULL };
	const struct helper helper = { .arguments = arguments,
		.environment = (const char *const[]){ NULL },
		.input = "",
		.timeout = 1 };

	memset(words, 'x', HELPER_WORDS_MAX);
	return helper_run(&helper, words);
}

static void words_of_a_refusal(void **state)
{
	char words[HELPER_WORDS_MAX];

	(void)state;
	assert_int_equal(run("echo no >&2; exit 3", words), 3);
	assert_string_equal(words, "no\n");
}

static void words_end_after_too_long(void **state)
{
	char words[HELPER_WORDS_MAX];

	(void)state;
	assert_int_equal(run("echo wait >&2; sleep 60", words), -ETIMEDOUT);
	assert_non_null(memchr(words, '\0', sizeof(words)));
}

static void words_end_after_too_many(void **state)
{
	char words[HELPER_WORDS_MAX];

	(void)state;
	assert_int_equal(run("head -c 5000 /dev/zero | tr '\\0' y >&2", words), -EOVERFLOW);
	assert_non_null(memchr(words, '\0', sizeof(words)));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(words_of_a_refusal),
		cmocka_unit_test(words_end_after_too_long),
		cmocka_unit_test(words_end_after_too_many) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
