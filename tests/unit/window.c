// SPDX-License-Identifier: BSD-2-Clause
/* The bytes that each connection may have on its way in the proxy. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/window.h"

#define SECOND	 1000000000ULL
#define MEGABIT	 125000ULL
#define SEGMENTS 1428UL

static size_t share(uint64_t rate, unsigned moving, unsigned connections)
{
	const struct active active = { .now = moving };

	return window_size(rate, &active, connections);
}

static void those_that_move_share(void **state)
{
	(void)state;
	assert_int_equal(share(MEGABIT, 0, 1), 32768);
	assert_int_equal(share(MEGABIT, 1, 1000), 32768);
	assert_int_equal(share(MEGABIT, 2, 2), 16384);
	assert_int_equal(share(MEGABIT, 3, 3), 8192);
	assert_int_equal(share(MEGABIT, 32, 32), WINDOW_MIN);
	assert_int_equal(share(MEGABIT, 1024, 1024), WINDOW_MIN);
	assert_int_equal(share(4 * MEGABIT, 1, 1), MEGABIT);
}

static void those_that_are_stuck_share_too(void **state)
{
	const struct active active = { .now = 1, .backlogged = 8 };

	(void)state;
	assert_int_equal(window_size(MEGABIT, &active, 8), 4096);
}

static void the_kernel_chooses_for_few(void **state)
{
	(void)state;
	assert_int_equal(share(100 * MEGABIT, 1, 32), 0);
	assert_int_equal(share(100 * MEGABIT, 1, 33), 212992);
	assert_int_equal(share(0, 0, 32), 0);
	assert_int_equal(share(0, 0, 33), 131072);
	assert_int_equal(share(0, 0, 1024), 8192);
}

static void pieces_are_whole_segments(void **state)
{
	(void)state;
	assert_int_equal(window_read_size(WINDOW_MIN), SEGMENTS);
	assert_int_equal(window_read_size(32768), 5 * SEGMENTS);
	assert_int_equal(window_read_size(0), 65536);
}

static void each_counts_once_a_second(void **state)
{
	struct active active = { 0 };
	struct activity first = { 0 }, second = { 0 };

	(void)state;
	active_count(&active, &first, 7 * SECOND, 1, MEGABIT);
	active_count(&active, &first, 7 * SECOND + 1, 32768, MEGABIT);
	active_count(&active, &second, 7 * SECOND + 2, 1, MEGABIT);
	assert_int_equal(active.now, 2);
	active_count(&active, &first, 8 * SECOND, 1, MEGABIT);
	assert_int_equal(active.now, 1);
	assert_int_equal(active.before, 2);
	active_count(&active, &first, 10 * SECOND, 1, MEGABIT);
	assert_int_equal(active.before, 0);
}

static void who_moves_little_does_not_count(void **state)
{
	struct active active = { 0 };
	struct activity activity = { 0 };

	(void)state;
	active_count(&active, &activity, 7 * SECOND, 100, MEGABIT);
	assert_false(activity.is_light);
	active_count(&active, &activity, 8 * SECOND, 100, MEGABIT);
	assert_true(activity.is_light);
	assert_int_equal(active.now, 0);
	active_count(&active, &activity, 8 * SECOND + 1, 1428, MEGABIT);
	active_count(&active, &activity, 8 * SECOND + 2, 1428, MEGABIT);
	active_count(&active, &activity, 8 * SECOND + 3, 1428, MEGABIT);
	assert_false(activity.is_light);
	assert_int_equal(active.now, 1);
	active_count(&active, &activity, 9 * SECOND, 1, MEGABIT);
	assert_int_equal(active.now, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_that_move_share),
		cmocka_unit_test(those_that_are_stuck_share_too),
		cmocka_unit_test(the_kernel_chooses_for_few),
		cmocka_unit_test(pieces_are_whole_segments),
		cmocka_unit_test(each_counts_once_a_second),
		cmocka_unit_test(who_moves_little_does_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
