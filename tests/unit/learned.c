// SPDX-License-Identifier: BSD-2-Clause
/*
 * Used names as domains to declare. Their order, wildcards, and the text that
 * --domain-file reads again.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/learned.h" /* before cmocka, which has a fail() of its own */
#include "lib/cleanup.h"

#include <cmocka.h>

/*
 * Makes a set of names. NULL ends the list. The count of a name is its place from the
 * end.
 */
static struct learned *make(const char *const *names)
{
	struct learned *learned = calloc(1, sizeof(*learned));

	assert_non_null(learned);
	while (names[learned->count])
		learned->count++;
	for (size_t i = 0; i < learned->count; i++) {
		assert_int_equal(host_parse(names[i], strlen(names[i]), HOST_NO_BRACKETS,
					 &learned->domains[i].domain.host),
			0);
		learned->domains[i].count = learned->count - i;
		learned->domains[i].names = 1;
	}
	return learned;
}

/*
 * Fails unless names collapse, from `least` on, to the domains in `expected`, which have
 * blanks between them.
 */
static void collapses(const char *const *names, size_t least, const char *expected)
{
	_free_ struct learned *learned = make(names);
	char text[1024] = "";
	size_t length = 0;

	learned_collapse(learned, least);
	for (size_t i = 0; i < learned->count; i++) {
		char domain[NAME_LENGTH_MAX + 3];

		declared_domain_format(&learned->domains[i].domain, domain);
		length += (size_t)snprintf(
			text + length, sizeof(text) - length, "%s%s", i ? " " : "", domain);
		assert_in_range(length, 0, sizeof(text) - 1);
	}
	assert_string_equal(text, expected);
}

#define COLLAPSES(least, expected, ...) \
	collapses((const char *const[]){ __VA_ARGS__, NULL }, least, expected)

static void names_stay_as_they_are_where_there_are_too_few(void **state)
{
	(void)state;
	COLLAPSES(3, "a.foo.com b.foo.com", "a.foo.com", "b.foo.com");
	COLLAPSES(2, "foo.com a.foo.com", "foo.com", "a.foo.com");
	COLLAPSES(2, "a.foo.com a.bar.com", "a.foo.com", "a.bar.com");
	COLLAPSES(2, "11.0.0.2 11.0.1.2 2600:1::2 2600:1::3", "11.0.0.2", "11.0.1.2",
		"2600:1::2", "2600:1::3");
	collapses((const char *const[]){ NULL }, 2, "");
}

static void enough_names_become_a_wildcard(void **state)
{
	(void)state;
	COLLAPSES(2, "*.foo.com", "a.foo.com", "b.foo.com");
	COLLAPSES(3, "*.foo.com", "a.foo.com", "b.c.foo.com", "d.foo.com");
	COLLAPSES(2, "*.foo.com bar.com", "a.foo.com", "b.foo.com", "bar.com");
	/* names that end alike, but not at a dot */
	COLLAPSES(2, "*.foo.com x-foo.com xfoo.com", "a.foo.com", "b.foo.com", "x-foo.com",
		"xfoo.com");
}

static void the_parent_makes_it_a_tree(void **state)
{
	(void)state;
	COLLAPSES(2, ".foo.com", "foo.com", "a.foo.com", "b.foo.com");
	COLLAPSES(2, ".foo.com", "a.foo.com", "b.foo.com", "foo.com");
}

static void the_narrowest_parent_comes_first(void **state)
{
	(void)state;
	COLLAPSES(3, "*.cdn.foo.com d.foo.com", "a.cdn.foo.com", "b.cdn.foo.com",
		"c.cdn.foo.com", "d.foo.com");
	/* the wildcard counts as one name of three */
	COLLAPSES(3, "*.foo.com", "a.cdn.foo.com", "b.cdn.foo.com", "c.cdn.foo.com",
		"d.foo.com", "e.foo.com");
}

static void a_public_suffix_is_no_parent(void **state)
{
	(void)state;
	COLLAPSES(2, "a.com b.com c.com", "a.com", "b.com", "c.com");
	COLLAPSES(2, "a.co.uk b.co.uk", "a.co.uk", "b.co.uk");
	COLLAPSES(2, "a.github.io b.github.io", "a.github.io", "b.github.io");
	COLLAPSES(2, "a.test b.test", "a.test", "b.test");
}

static void the_counts_add_up(void **state)
{
	_free_ struct learned *learned =
		make((const char *const[]){ "bar.com", "a.foo.com", "b.foo.com", NULL });

	(void)state;
	learned_collapse(learned, 2);
	assert_int_equal(learned->count, 2);
	assert_int_equal(learned->domains[0].count + learned->domains[1].count, 6);
	assert_int_equal(learned->domains[1].count, 3);
	assert_int_equal(learned->domains[1].names, 2);
}

/* As many names as a set may hold, each as deep as a name may be. */
static void the_worst_case_ends_soon(void **state)
{
	_free_ struct learned *learned = calloc(1, sizeof(*learned));

	(void)state;
	assert_non_null(learned);
	for (; learned->count < LEARNED_MAX; learned->count++) {
		struct learned_domain *row = &learned->domains[learned->count];
		char name[NAME_LENGTH_MAX + 1];
		size_t length = 0;

		for (size_t i = 0; i < 10; i++) {
			name[length++] = (char)('a' + (learned->count >> i & 1));
			name[length++] = '.';
		}
		while (length < NAME_LENGTH_MAX - 1) {
			name[length++] = 'x';
			name[length++] = '.';
		}
		assert_int_equal(
			host_parse(name, length, HOST_NO_BRACKETS, &row->domain.host), 0);
		row->count = row->names = 1;
	}
	learned_collapse(learned, 2000);
	assert_int_equal(learned->count, LEARNED_MAX);
	learned_collapse(learned, 2);
	assert_int_equal(learned->count, 1);
	assert_int_equal(learned->domains[0].names, LEARNED_MAX);
}

static void what_is_written_can_be_read(void **state)
{
	_free_ struct learned *learned = make((const char *const[]){
		"a.foo.com", "b.foo.com", "11.0.0.2", "2600:1::2", "bar.com", NULL });
	_cleanup_(request_rules_free) struct request_rules read = {};
	static const struct learned_rules rules = { .count = 2,
		.left_out = 1,
		.list = { { 3, "GET bar.com/a/**" }, { 1, "GET,POST a.foo.com/b" } } };
	char path[] = "/tmp/learned-XXXXXX";
	struct domains domains = {};
	size_t line;
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");

	(void)state;
	assert_non_null(file);
	learned_collapse(learned, 2);
	assert_int_equal(learned_write(learned, &rules, "j1", file), 0);
	fclose(file);
	assert_int_equal(domains_add_file(&domains, &read, path, &line, NULL), 0);
	assert_int_equal(domains.count, 4);
	assert_int_equal(read.count, 2);
	assert_string_equal(read.list[1].text, "GET,POST a.foo.com/b");
	unlink(path);
	domains_free(&domains);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_stay_as_they_are_where_there_are_too_few),
		cmocka_unit_test(enough_names_become_a_wildcard),
		cmocka_unit_test(the_parent_makes_it_a_tree),
		cmocka_unit_test(the_narrowest_parent_comes_first),
		cmocka_unit_test(a_public_suffix_is_no_parent),
		cmocka_unit_test(the_counts_add_up),
		cmocka_unit_test(the_worst_case_ends_soon),
		cmocka_unit_test(what_is_written_can_be_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
