// SPDX-License-Identifier: BSD-2-Clause
/* The clocks of the pacer, under a time of our own: see the essay in pacer.h. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "proxy/pacer.h"
#include "proxy/statistics.h"

#define MS	1000000ULL
#define MEGABIT 125000ULL /* bytes per second */
#define PAYLOAD 1428UL
#define TIMERS	3

/* A loop that knows nothing but the time and its timers. */
static uint64_t now;
static struct timer *timers[TIMERS];

uint64_t loop_now(const struct loop *loop)
{
	(void)loop;
	return now;
}

void loop_cancel_timer(struct loop *loop, struct timer *timer)
{
	(void)loop;
	timer->deadline = 0;
}

void loop_set_timer(struct loop *loop, struct timer *timer, uint64_t nanoseconds)
{
	size_t i = 0;

	(void)loop;
	timer->deadline = now + nanoseconds;
	while (i < TIMERS && timers[i] && timers[i] != timer)
		i++;
	if (i == TIMERS)
		fail_msg("more than %d timers", TIMERS);
	else
		timers[i] = timer;
}

/* Lets time pass until the next timer is due, which runs. */
static void wait_for_timer(void)
{
	struct timer *first = NULL;

	for (size_t i = 0; i < TIMERS; i++)
		if (timers[i] && timers[i]->deadline &&
			(!first || timers[i]->deadline < first->deadline))
			first = timers[i];
	if (!first) {
		fail_msg("no timer is due");
		return;
	}
	if (first->deadline > now)
		now = first->deadline;
	first->deadline = 0;
	first->expired(first);
}

static struct peer closed = { .source.fd = -1 };
static struct job_limits limits;
static struct pacer *pacer;

static int begin(void **state)
{
	(void)state;
	now = 10000 * MS; /* more than any credit */
	limits = (struct job_limits){ .rate = MEGABIT, .paced = MEGABIT };
	for (size_t i = 0; i < TIMERS; i++)
		timers[i] = NULL;
	return pacer_new(NULL, &limits, &pacer);
}

static int end(void **state)
{
	(void)state;
	pacer_free(pacer);
	return 0;
}

static unsigned served;

static void ready(struct waiter *waiter)
{
	(void)waiter;
	served++;
}

/* Moves bytes while that is allowed. Returns how many. */
static size_t move(enum direction direction, struct waiter *waiter)
{
	size_t moved = 0, allowed;

	while ((allowed = pacer_ask(pacer, direction, waiter, 65536))) {
		/* A header of 52 bytes goes with each segment. */
		pacer_charge(pacer, direction, allowed + 52, &closed, &closed);
		moved += allowed;
	}
	return moved;
}

static void an_idle_job_gets_two_quanta_and_then_its_rate(void **state)
{
	struct waiter waiter = { .ready = ready };
	size_t moved = 0;
	uint64_t start = now;

	(void)state;
	assert_int_equal(move(DOWNLOAD, &waiter), 2 * PAYLOAD);
	wait_for_timer();
	assert_int_equal(now - start, 11840000);
	for (; now - start < 10000 * MS; wait_for_timer()) {
		moved += move(DOWNLOAD, &waiter);
		pacer_end_turn(&waiter);
	}
	/* 125,000 bytes a second, of which 1,428 in 1,480 are payload. */
	assert_in_range(
		moved * 1480 / 1428, 10UL * MEGABIT - 2 * 1480ULL, 10UL * MEGABIT + 1480);
	pacer_leave(&waiter);
}

static void credit_has_a_bound(void **state)
{
	struct waiter waiter = { .ready = ready };

	(void)state;
	assert_int_equal(move(DOWNLOAD, &waiter), 2 * PAYLOAD);
	pacer_leave(&waiter);
	now += 3600000 * MS;
	assert_int_equal(move(DOWNLOAD, &waiter), 2 * PAYLOAD);
	pacer_leave(&waiter);
}

static void a_late_timer_costs_nothing(void **state)
{
	struct waiter waiter = { .ready = ready };
	uint64_t start = now;
	size_t moved = 0;

	(void)state;
	limits.rate = limits.paced = 100 * MEGABIT;
	for (; now - start < 1000 * MS; wait_for_timer()) {
		now += 3 * MS;
		moved += move(DOWNLOAD, &waiter);
		pacer_end_turn(&waiter);
	}
	assert_true(moved > 99 * MEGABIT * 1428 / 1480);
	pacer_leave(&waiter);
}

static void directions_have_clocks_of_their_own(void **state)
{
	struct waiter up = { .ready = ready }, down = { .ready = ready };

	(void)state;
	assert_int_equal(move(UPLOAD, &up), 2 * PAYLOAD);
	assert_int_equal(move(DOWNLOAD, &down), 2 * PAYLOAD);
	pacer_leave(&up);
	pacer_leave(&down);
}

static void a_debt_stops_both_directions(void **state)
{
	struct waiter up = { .ready = ready }, down = { .ready = ready };
	uint64_t start = now;

	(void)state;
	pacer_charge_unforwarded(pacer, 65536);
	assert_true(pacer_is_in_debt(pacer));
	assert_int_equal(pacer_ask(pacer, UPLOAD, &up, 1), 0);
	assert_int_equal(pacer_ask(pacer, DOWNLOAD, &down, 1), 0);
	wait_for_timer();
	/* 45 whole segments are in 64 KiB. */
	assert_int_equal(now - start, (65536 + 45 * 52) * 8000ULL);
	assert_false(pacer_is_in_debt(pacer));
	pacer_leave(&up);
	pacer_leave(&down);
}

static void waiters_take_turns(void **state)
{
	struct waiter first = { .ready = ready }, second = { .ready = ready };

	(void)state;
	move(DOWNLOAD, &first);
	assert_int_equal(pacer_ask(pacer, DOWNLOAD, &second, 1), 0);
	served = 0;
	wait_for_timer();
	assert_int_equal(served, 1);
	/* It is the turn of the first, and the second stands in line still. */
	assert_int_equal(pacer_ask(pacer, DOWNLOAD, &second, 1), 0);
	assert_int_equal(move(DOWNLOAD, &first), PAYLOAD);
	pacer_end_turn(&first);
	wait_for_timer();
	assert_int_equal(pacer_ask(pacer, DOWNLOAD, &first, 1), 0);
	assert_int_equal(move(DOWNLOAD, &second), PAYLOAD);
	pacer_leave(&first);
	pacer_leave(&second);
}

static void a_waiter_that_leaves_gives_its_turn_on(void **state)
{
	struct waiter first = { .ready = ready }, second = { .ready = ready };

	(void)state;
	move(DOWNLOAD, &first);
	assert_int_equal(pacer_ask(pacer, DOWNLOAD, &second, 1), 0);
	wait_for_timer();
	pacer_leave(&first);
	wait_for_timer();
	assert_int_equal(move(DOWNLOAD, &second), PAYLOAD);
	pacer_leave(&second);
}

static void where_the_kernel_paces_the_upload_has_a_tolerance(void **state)
{
	struct waiter up = { .ready = ready }, down = { .ready = ready };

	(void)state;
	limits.paced = 0;
	assert_int_equal(pacer_ask(pacer, DOWNLOAD, &down, 65536), 65536);
	/* A quarter of a second at 17/16 of the rate, and one quantum. */
	assert_in_range(move(UPLOAD, &up) * 1480 / 1428, 17UL * MEGABIT / 64,
		17UL * MEGABIT / 64 + 2 * 1480ULL);
	pacer_leave(&up);
}

static void tries_have_a_rate_of_their_own(void **state)
{
	struct waiter waiter = { .ready = ready };
	unsigned count = 0;

	(void)state;
	limits = (struct job_limits){ 0 };
	for (; pacer_ask(pacer, DIALS, &waiter, 1); count++)
		pacer_charge_dial(pacer, &closed);
	/* Five seconds of 200 at once. */
	assert_in_range(count, 1000, 1001);
	pacer_leave(&waiter);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

static void time_in_line_counts_once_whoever_waits(void **state)
{
	struct waiter waiters[3] = {};
	__u64 *throttled = statistics->throttled;

	(void)state;
	throttled[UPLOAD] = throttled[DOWNLOAD] = 0;
	for (size_t i = 0; i < 3; i++) {
		waiters[i].ready = ready;
		move(DOWNLOAD, &waiters[i]);
	}
	now += MS;
	pacer_leave(&waiters[1]);
	now += MS;
	pacer_leave(&waiters[0]);
	assert_int_equal(throttled[DOWNLOAD], 0); /* as long as somebody waits */
	now += MS;
	pacer_leave(&waiters[2]);
	assert_int_equal(throttled[DOWNLOAD], 3 * MS);
	now += MS; /* nobody waits */
	assert_int_equal(move(DOWNLOAD, &waiters[0]), 0);
	wait_for_timer();
	/* The fourth ms does not count. */
	assert_int_equal(throttled[DOWNLOAD], 11840000 - MS);
	assert_int_equal(throttled[UPLOAD], 0);
	pacer_leave(&waiters[0]);
}

static void times_go_into_the_first_bucket_that_holds_them(void **state)
{
	const uint64_t times[] = { 0, 5 * MS, 5 * MS + 1, 300000 * MS, 300000 * MS + 1 };
	struct histogram histogram = {};
	uint64_t sum = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		statistics_time(&histogram, times[i]);
		sum += times[i];
	}
	assert_int_equal(histogram.buckets[0], 2);
	assert_int_equal(histogram.buckets[1], 1);
	assert_int_equal(histogram.buckets[HISTOGRAM_BUCKETS - 2], 1);
	assert_int_equal(histogram.buckets[HISTOGRAM_BUCKETS - 1], 1);
	assert_int_equal(histogram.sum, sum);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_idle_job_gets_two_quanta_and_then_its_rate),
		TEST(credit_has_a_bound),
		TEST(a_late_timer_costs_nothing),
		TEST(directions_have_clocks_of_their_own),
		TEST(a_debt_stops_both_directions),
		TEST(waiters_take_turns),
		TEST(a_waiter_that_leaves_gives_its_turn_on),
		TEST(where_the_kernel_paces_the_upload_has_a_tolerance),
		TEST(tries_have_a_rate_of_their_own),
		TEST(time_in_line_counts_once_whoever_waits),
		TEST(times_go_into_the_first_bucket_that_holds_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
