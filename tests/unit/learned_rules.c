// SPDX-License-Identifier: BSD-2-Clause
/*
 * Requests as rules to declare: folders in the place of paths, methods together, never more
 * than a job may have, and nothing that the proxy should not have written.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/learned_rules.h" /* before cmocka, which has a fail() of its own */
#include "lib/cleanup.h"
#include "names/request_rule.h"

#include <cmocka.h>

/* Notes, as the proxy writes them. Each next one counts one request more. */
struct noted {
	size_t count;
	struct learned_rule_key keys[LEARNED_RULES_MAX];
	uint64_t counts[LEARNED_RULES_MAX];
};

__attribute__((format(printf, 2, 3))) static void note(
	struct noted *noted, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(noted->keys[noted->count].rule, sizeof(noted->keys[0].rule), format,
		arguments);
	va_end(arguments);
	noted->count++;
	noted->counts[noted->count - 1] = noted->count;
}

static struct learned_rules *make(const struct noted *noted, size_t least)
{
	struct learned_rules *rules = NULL;

	assert_int_equal(
		learned_rules_make(noted->keys, noted->counts, noted->count, least, &rules),
		0);
	return rules;
}

/* Fails unless the notes become the rules in `expected`, which have "; " between them. */
static void becomes(const char *const *notes, const char *expected)
{
	_free_ struct noted *noted = calloc(1, sizeof(*noted));
	_free_ struct learned_rules *rules = NULL;
	char text[4096] = "";
	size_t length = 0;

	assert_non_null(noted);
	while (notes[noted->count])
		note(noted, "%s", notes[noted->count]);
	rules = make(noted, LEARNED_SIBLINGS);
	for (size_t i = 0; i < rules->count; i++) {
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s",
			i ? "; " : "", rules->list[i].text);
		assert_in_range(length, 0, sizeof(text) - 1);
	}
	assert_string_equal(text, expected);
}

#define BECOMES(expected, ...) becomes((const char *const[]){ __VA_ARGS__, NULL }, expected)

static void paths_stay_as_they_are_where_there_are_few(void **state)
{
	(void)state;
	BECOMES("GET a.test/c; GET a.test/b; GET a.test/a", "GET a.test/a", "GET a.test/b",
		"GET a.test/c");
	BECOMES("GET 2600:1::2/a", "GET 2600:1::2/a");
	becomes((const char *const[]){ NULL }, "");
}

static void many_paths_of_a_folder_become_the_folder(void **state)
{
	(void)state;
	BECOMES("GET a.test/r/acme/**; GET a.test/r", "GET a.test/r", "GET a.test/r/acme/a",
		"GET a.test/r/acme/b/x", "GET a.test/r/acme/c", "GET a.test/r/acme/");
	BECOMES("GET a.test/r/**; GET a.test/r-evil", "GET a.test/r", "GET a.test/r-evil",
		"GET a.test/r/a", "GET a.test/r/b", "GET a.test/r/c", "GET a.test/r/d");
	BECOMES("GET a.test/**", "GET a.test/a", "GET a.test/b/1/2", "GET a.test/c/3",
		"GET a.test/");
	BECOMES("GET a.test/b/**", "GET a.test/b/**", "GET a.test/b/x", "GET a.test/b");
	BECOMES("GET a.test.evil/c; GET b.test/b; GET a.test/b; GET a.test/a",
		"GET a.test/a", "GET a.test/b", "GET b.test/b", "GET a.test.evil/c");
}

static void methods_of_a_path_become_one_rule(void **state)
{
	(void)state;
	BECOMES("GET,HEAD,POST a.test/x; PUT a.test/y", "POST a.test/x", "GET a.test/x",
		"HEAD a.test/x", "PUT a.test/y");
	BECOMES("GET a.test/r/**; POST a.test/r/a", "POST a.test/r/a", "GET a.test/r/a",
		"GET a.test/r/b", "GET a.test/r/c", "GET a.test/r/d");
}

/* A worker may have been taken over, and what it noted goes to a terminal. */
static void what_no_honest_proxy_notes_is_left_out(void **state)
{
	char full[sizeof(struct learned_rule_key) + 1];

	(void)state;
	memset(full, 'a', sizeof(full));
	full[sizeof(full) - 1] = '\0';
	BECOMES("GET a.test/ok", "GET a.test/ok", "", "GET", "GET ", "GET /x", "a.test/x",
		"get a.test/x", "* a.test/x", "GET,POST a.test/x", "GET .test/x",
		"GET *.test/x", "GET a.test/*", "GET a.test/**/x", "GET a.test/x*",
		"GET a.test/\033[2J", "GET a.test/a\nb", "GET a.test/%2F", "GET a.test/%3F",
		"GET a.test/it's", "GET a.test/?x", "CONNECT a.test/x", "GET b c/x", full);
}

static void paths_give_way_to_folders_until_a_job_may_have_the_rules(void **state)
{
	_free_ struct noted *noted = calloc(1, sizeof(*noted));
	_free_ struct learned_rules *rules = NULL;
	struct host host = {};

	(void)state;
	assert_non_null(noted);
	for (int i = 0; i < 300; i++)
		note(noted, "GET h%d.test/a/%d/x", i % 50, i);
	note(noted, "POST h7.test/b");
	rules = make(noted, 9999);
	assert_int_equal(rules->count, 51);
	assert_int_equal(rules->left_out, 0);
	for (int i = 0; i < 300; i++) {
		_cleanup_(request_rules_free) struct request_rules set = {};
		char name[16], path[24];
		const char *problem;

		for (size_t k = 0; k < rules->count; k++)
			assert_int_equal(request_rules_add(&set, rules->list[k].text,
						 strlen(rules->list[k].text), &problem),
				0);
		snprintf(name, sizeof(name), "h%d.test", i % 50);
		snprintf(path, sizeof(path), "/a/%d/x", i);
		assert_int_equal(
			host_parse(name, strlen(name), HOST_NO_BRACKETS, &host), 0);
		assert_true(request_rules_allow(&set, &host, "GET", 3, path, strlen(path)));
		assert_false(
			request_rules_allow(&set, &host, "PUT", 3, path, strlen(path)));
	}
}

static void the_hosts_that_were_used_least_get_no_rules_if_there_are_too_many(void **state)
{
	_free_ struct noted *noted = calloc(1, sizeof(*noted));
	_free_ struct learned_rules *rules = NULL;

	(void)state;
	assert_non_null(noted);
	for (int i = 0; i < LEARNED_RULES_MAX; i++)
		note(noted, "GET h%d.test/a", i);
	rules = make(noted, LEARNED_SIBLINGS);
	assert_int_equal(rules->count, REQUEST_RULES_MAX);
	assert_int_equal(rules->left_out, LEARNED_RULES_MAX - REQUEST_RULES_MAX);
	assert_string_equal(rules->list[0].text, "GET h1023.test/**");
}

/* A key may be full, though no honest proxy makes it so. A folder's end needs more. */
static void the_folder_of_a_path_may_be_longer_than_the_path(void **state)
{
	static struct learned_rule_key keys[LEARNED_SIBLINGS];
	static const uint64_t counts[LEARNED_SIBLINGS] = { 1, 1, 1, 1 };
	const size_t size = sizeof(keys[0].rule);
	_free_ struct learned_rules *rules = NULL;

	(void)state;
	for (size_t i = 0; i < LEARNED_SIBLINGS; i++) {
		int length = snprintf(keys[i].rule, size, "GET a/");

		memset(keys[i].rule + length, 'x', size - (size_t)length);
		keys[i].rule[size - 2] = '/';
		keys[i].rule[size - 1] = (char)('a' + (char)i);
	}
	assert_int_equal(learned_rules_make(
				 keys, counts, LEARNED_SIBLINGS, LEARNED_SIBLINGS, &rules),
		0);
	assert_int_equal(rules->count, 1);
	assert_int_equal(strlen(rules->list[0].text), size + 1);
}

/* All rules of a job together have a bound as well. */
static void long_paths_become_short_folders(void **state)
{
	_free_ struct noted *noted = calloc(1, sizeof(*noted));
	_free_ struct learned_rules *rules = NULL;
	size_t size = 0;

	(void)state;
	assert_non_null(noted);
	for (int i = 0; i < 60; i++)
		note(noted, "GET h%d.test/%0400d/a", i % 20, i);
	rules = make(noted, LEARNED_SIBLINGS);
	for (size_t i = 0; i < rules->count; i++)
		size += strlen(rules->list[i].text) + 1;
	assert_int_equal(rules->count, 20);
	assert_in_range(size, 1, REQUEST_RULES_SIZE);
}

/* A job chooses its methods and paths. */
static void the_worst_notes_fit(void **state)
{
	_free_ struct noted *noted = calloc(1, sizeof(*noted));
	_free_ struct learned_rules *rules = NULL;

	(void)state;
	assert_non_null(noted);
	for (int i = 0; i < LEARNED_RULES_MAX; i++)
		note(noted, "M%0504d a/b", i);
	rules = make(noted, LEARNED_SIBLINGS);
	assert_int_equal(rules->count, 0);
	assert_int_equal(rules->left_out, 1);
	memset(noted, 0, sizeof(*noted));
	for (int i = 0; i < LEARNED_RULES_MAX; i++) {
		note(noted, "GET a/%d", i);
		for (size_t k = strlen(noted->keys[i].rule);
			k + 1 < sizeof(noted->keys[i].rule); k++)
			noted->keys[i].rule[k] = k % 2 ? '/' : 'x';
	}
	free(rules);
	rules = make(noted, 9999);
	assert_in_range(rules->count, 1, REQUEST_RULES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_stay_as_they_are_where_there_are_few),
		cmocka_unit_test(many_paths_of_a_folder_become_the_folder),
		cmocka_unit_test(methods_of_a_path_become_one_rule),
		cmocka_unit_test(what_no_honest_proxy_notes_is_left_out),
		cmocka_unit_test(paths_give_way_to_folders_until_a_job_may_have_the_rules),
		cmocka_unit_test(
			the_hosts_that_were_used_least_get_no_rules_if_there_are_too_many),
		cmocka_unit_test(the_folder_of_a_path_may_be_longer_than_the_path),
		cmocka_unit_test(long_paths_become_short_folders),
		cmocka_unit_test(the_worst_notes_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
