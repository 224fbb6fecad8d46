// SPDX-License-Identifier: BSD-2-Clause
/* The order in which addresses are tried once some of them failed. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "proxy/failed_addresses.h"

#define NOW (1000 * SECOND)

static struct failed_addresses failed;

static int begin(void **state)
{
	(void)state;
	memset(&failed, 0, sizeof(failed));
	return 0;
}

/* An address by a letter. */
static struct address address(char letter)
{
	return (struct address){ .bytes = { [15] = (unsigned char)letter } };
}

static void note(char letter)
{
	const struct address bad = address(letter);

	failed_addresses_note(&failed, &bad, NOW);
}

/* Fails unless the addresses `before` are tried in the order `after` at `now`. */
static void assert_order(const char *before, const char *after, uint64_t now)
{
	struct address addresses[8];
	size_t count = strlen(before);

	for (size_t i = 0; i < count; i++)
		addresses[i] = address(before[i]);
	failed_addresses_sort(&failed, addresses, count, now);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(addresses[i].bytes[15], after[i]);
}

static void addresses_that_failed_come_last(void **state)
{
	(void)state;
	assert_order("abcd", "abcd", NOW);
	assert_order("", "", NOW);
	note('a');
	note('c');
	assert_order("abcd", "bdac", NOW);
	assert_order("ac", "ac", NOW);
	assert_order("ca", "ca", NOW);
	assert_order("a", "a", NOW);
}

static void a_failure_is_forgotten_in_time(void **state)
{
	(void)state;
	note('a');
	assert_order("ab", "ba", NOW + 59 * SECOND);
	assert_order("ab", "ab", NOW + 60 * SECOND);
}

static void an_address_that_is_connected_is_good(void **state)
{
	const struct address good = address('a');

	(void)state;
	note('a');
	note('a');
	failed_addresses_forget(&failed, &good);
	assert_order("ab", "ab", NOW);
}

static void only_so_many_are_remembered(void **state)
{
	(void)state;
	for (unsigned i = 0; i < FAILED_MAX + 1; i++) {
		const struct address bad = address((char)('!' + i));

		failed_addresses_note(&failed, &bad, NOW + i);
	}
	assert_order("!\"#a", "!a\"#", NOW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(addresses_that_failed_come_last, begin),
		cmocka_unit_test_setup(a_failure_is_forgotten_in_time, begin),
		cmocka_unit_test_setup(an_address_that_is_connected_is_good, begin),
		cmocka_unit_test_setup(only_so_many_are_remembered, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
