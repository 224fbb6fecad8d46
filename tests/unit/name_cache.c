// SPDX-License-Identifier: BSD-2-Clause
/* What is remembered of names: for how long, of how many, and of which no more. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "proxy/name_cache.h"

#define NOW (1000 * SECOND)

static struct name_cache cache;

static int begin(void **state)
{
	(void)state;
	memset(&cache, 0, sizeof(cache));
	return 0;
}

static struct known_name *get(const char *name)
{
	struct host host;

	assert_int_equal(host_parse(name, strlen(name), HOST_NO_BRACKETS, &host), 0);
	return name_cache_get(&cache, &host);
}

static struct known_name *get_number(unsigned number)
{
	char name[16];

	snprintf(name, sizeof(name), "n%u.test", number);
	return get(name);
}

static void results_are_kept_for_their_time(void **state)
{
	static const struct {
		int error;
		uint32_t seconds, kept;
	} rows[] = {
		{ 0, 0, 0 },
		{ 0, 1, 1 },
		{ 0, 60, 60 },
		{ 0, 61, 60 },
		{ 0, UINT32_MAX, 60 },
		{ -ENOENT, 0, 0 },
		{ -ENOENT, 5, 5 },
		{ -ENOENT, 3600, 5 },
		{ -EACCES, 60, 0 },
		{ -ETIMEDOUT, 60, 0 },
		{ -EHOSTUNREACH, 60, 0 },
		{ -EBUSY, 60, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct resolved resolved = { .error = rows[i].error, .count = 1 };
		struct known_name *known = get("a.test");

		name_cache_keep(known, &resolved, rows[i].seconds, NOW);
		assert_int_equal(
			known->until, rows[i].kept ? NOW + rows[i].kept * SECOND : 0);
		if (rows[i].kept)
			assert_int_equal(known->resolved.error, rows[i].error);
	}
}

static void a_failure_replaces_what_was_kept(void **state)
{
	const struct resolved good = { .count = 1 }, bad = { .error = -EACCES };

	(void)state;
	name_cache_keep(get("a.test"), &good, 60, NOW);
	name_cache_keep(get("a.test"), &bad, 60, NOW);
	assert_int_equal(get("a.test")->until, 0);
}

static void names_are_told_apart(void **state)
{
	(void)state;
	get("a.test")->until = 1;
	get("a.tes")->until = 2;
	get("b.test")->until = 3;
	assert_int_equal(get("A.test")->until, 1);
	assert_int_equal(get("a.tes")->until, 2);
	assert_int_equal(get("b.test")->until, 3);
	assert_int_equal(get("a.test.b")->until, 0);
}

static void the_name_that_was_used_longest_ago_makes_room(void **state)
{
	(void)state;
	for (unsigned i = 0; i < NAMES_MAX; i++)
		get_number(i)->until = 7;
	get_number(0);
	assert_int_equal(get("new.test")->until, 0);
	assert_int_equal(get_number(0)->until, 7);
	assert_int_equal(get_number(2)->until, 7);
	assert_int_equal(get_number(1)->until, 0);
}

static void any_number_of_names_has_the_same_room(void **state)
{
	struct known_name *last = NULL;

	(void)state;
	for (unsigned i = 0; i < 100 * NAMES_MAX; i++) {
		last = get_number(i);
		assert_in_range(last - cache.names, 0, NAMES_MAX - 1);
		last->until = i;
	}
	assert_ptr_equal(get_number(100 * NAMES_MAX - 1), last);
	assert_true(sizeof(cache) < 65536);
}

static void all_is_forgotten_at_once(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		get_number(i)->until = get_number(i)->asked_until = 7;
	name_cache_clear(&cache);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(get_number(i)->until, 0);
		assert_int_equal(get_number(i)->asked_until, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(results_are_kept_for_their_time, begin),
		cmocka_unit_test_setup(a_failure_replaces_what_was_kept, begin),
		cmocka_unit_test_setup(names_are_told_apart, begin),
		cmocka_unit_test_setup(
			the_name_that_was_used_longest_ago_makes_room, begin),
		cmocka_unit_test_setup(any_number_of_names_has_the_same_room, begin),
		cmocka_unit_test_setup(all_is_forgotten_at_once, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
