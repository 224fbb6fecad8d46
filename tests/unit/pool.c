// SPDX-License-Identifier: BSD-2-Clause
/* Requests that wait for their turn to dial, and get what the pool keeps meanwhile. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "proxy/pool.h"
#include "proxy/statistics.h"

#define PORT 80

static struct job_limits limits;
static struct loop *loop;
static struct relays all;
static struct pool pool;

/* A client whose upstream is lent, and the other ends of both. */
struct lender {
	struct relay relay;
	struct idle idle;
	struct host host;
	int ends[2];
};

/* A request that waits. */
struct request {
	struct pool_waiter waiter;
	struct relay relay;
	struct host host;
	bool waits;
};

static void run(struct relay *relay)
{
	(void)relay;
}

static void ready(struct source *source, uint32_t events)
{
	(void)source;
	(void)events;
}

static bool wants(const struct pool_waiter *waiter)
{
	return container_of(waiter, struct request, waiter)->waits;
}

static void read_host(struct host *host, const char *name)
{
	assert_int_equal(host_parse(name, strlen(name), HOST_NO_BRACKETS, host), 0);
}

static int set_up(void **state)
{
	(void)state;
	limits = (struct job_limits){};
	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(relays_init(&all, loop, &limits), 0);
	pool_init(&pool, &all, NULL, 1024);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	pool.most = 0;
	while (pool.count)
		pool_make_room(&pool);
	loop_cancel_timer(loop, &pool.timer);
	pacer_free(all.pacer);
	loop_free(loop);
	return 0;
}

static struct lender *lend(const char *name)
{
	static const struct relay_owner owner = { .run = run, .moved = run };
	struct lender *lender = calloc(1, sizeof(*lender));
	int client[2], site[2];

	assert_non_null(lender);
	read_host(&lender->host, name);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, client), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, site), 0);
	lender->ends[0] = client[1];
	lender->ends[1] = site[1];
	assert_int_equal(relay_open(&lender->relay, &all, client[0], &owner), 0);
	assert_int_equal(peer_open(&lender->relay.upstream, loop, site[0], true, ready), 0);
	lender->relay.upstream.readable = false;
	lender->idle.relay = &lender->relay;
	lender->idle.host = &lender->host;
	lender->idle.port = PORT;
	pool_lend(&pool, &lender->idle);
	return lender;
}

/* The client goes, and the pool keeps its upstream. */
static void keep(struct lender *lender)
{
	assert_true(pool_keep(&pool, &lender->idle));
	relay_close(&lender->relay);
	close(lender->ends[0]);
	close(lender->ends[1]);
	free(lender);
}

static void wait_for(struct request *request, const char *name, bool waits)
{
	*request = (struct request){ .relay.all = &all, .waits = waits };
	request->waiter = (struct pool_waiter){ .wants = wants,
		.relay = &request->relay,
		.host = &request->host,
		.port = PORT };
	read_host(&request->host, name);
	pool_wait(&pool, &request->waiter);
}

static void one_request_to_the_same_site_is_woken(void **state)
{
	struct request other, first, second;

	(void)state;
	wait_for(&other, "other.test", true);
	wait_for(&first, "a.test", true);
	wait_for(&second, "a.test", true);
	keep(lend("a.test"));
	assert_true(first.relay.turn_asked);
	assert_false(ring_holds(&first.waiter.place));
	assert_false(other.relay.turn_asked || second.relay.turn_asked);
	keep(lend("a.test"));
	assert_true(second.relay.turn_asked);
	assert_false(other.relay.turn_asked);
	pool_stop_waiting(&other.waiter);
	keep(lend("other.test"));
	assert_false(other.relay.turn_asked);
}

static void a_request_whose_turn_came_is_passed_over(void **state)
{
	struct request dials, waits;

	(void)state;
	wait_for(&dials, "a.test", false);
	wait_for(&waits, "a.test", true);
	keep(lend("a.test"));
	assert_false(dials.relay.turn_asked);
	assert_false(ring_holds(&dials.waiter.place));
	assert_true(waits.relay.turn_asked);
}

/* What is kept as the oldest of too many is closed at once. */
static void the_oldest_is_offered_and_closed(void **state)
{
	struct lender *oldest = lend("a.test");
	struct request request;

	(void)state;
	for (unsigned i = 0; i < POOL_KEPT_MAX; i++)
		keep(lend("other.test"));
	wait_for(&request, "a.test", true);
	keep(oldest);
	assert_true(request.relay.turn_asked);
	assert_int_equal(pool.count, POOL_KEPT_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			one_request_to_the_same_site_is_woken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_request_whose_turn_came_is_passed_over, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_oldest_is_offered_and_closed, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
