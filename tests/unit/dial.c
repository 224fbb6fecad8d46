// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which addresses of a site are tried when, and what is charged for it. The socket, the
 * loop, the pacer and the resolver are those of this file.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "jobfence/address.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "proxy/dial.h"

#define HEAD_START (250 * MILLISECOND)

static uint64_t time_now;
static struct timer *pending; /* the timer that is set */
static struct dial dial;
static struct peer peer;
static int connect_error, socket_error;
static bool pacer_refuses;
static unsigned done, charged, charged_failures;
static char story[64]; /* the last byte of each address that is tried, and -a, +a */

static void note(const char *what, const void *address)
{
	const unsigned char *bytes = address;

	snprintf(story + strlen(story), sizeof(story) - strlen(story), "%s%c", what,
		bytes[15]);
}

/* The loop */

uint64_t loop_now(const struct loop *loop)
{
	(void)loop;
	return time_now;
}

void loop_cancel_timer(struct loop *loop, struct timer *timer)
{
	(void)loop;
	timer->deadline = 0;
	if (pending == timer)
		pending = NULL;
}

void loop_set_timer(struct loop *loop, struct timer *timer, uint64_t nanoseconds)
{
	(void)loop;
	assert_true(!pending || pending == timer);
	pending = timer;
	timer->deadline = time_now + nanoseconds;
}

int loop_add(struct loop *loop, struct source *source, uint32_t events)
{
	(void)loop;
	source->events = events;
	return 0;
}

int loop_move(struct loop *loop, struct source *to, struct source *from, uint32_t events)
{
	from->events = 0;
	return loop_add(loop, to, events);
}

void loop_close(struct loop *loop, struct source *source)
{
	(void)loop;
	source->events = 0;
	close(TAKE_FD(source->fd));
}

void loop_defer(struct loop *loop, struct deferred *deferred)
{
	(void)loop;
	(void)deferred;
}

/* The pacer */

size_t pacer_ask(
	struct pacer *pacer, enum direction direction, struct waiter *waiter, size_t want)
{
	(void)pacer;
	assert_int_equal(direction, DIALS);
	if (pacer_refuses)
		ring_init(&waiter->place);
	return pacer_refuses ? 0 : want;
}

void pacer_charge_dial(struct pacer *pacer, struct peer *upstream)
{
	(void)pacer;
	upstream->segments = 1;
	charged++;
}

/* The socket is needed to ask what was sent. */
void pacer_charge_failed_dial(struct pacer *pacer, struct peer *upstream)
{
	(void)pacer;
	assert_true(peer_is_open(upstream));
	charged_failures++;
}

void pacer_leave(struct waiter *waiter)
{
	waiter->place = (struct ring){};
}

void pacer_end_turn(struct waiter *waiter)
{
	(void)waiter;
}

/* The resolver */

void resolver_look_up(
	struct resolver *resolver, const struct host *host, struct lookup *lookup)
{
	(void)resolver;
	(void)host;
	(void)lookup;
}

void lookup_cancel(struct lookup *lookup)
{
	(void)lookup;
}

void resolver_note_dial(
	struct resolver *resolver, const struct address *address, bool connected)
{
	(void)resolver;
	note(connected ? "+" : "-", address);
}

/* The C library */

int socket(int domain, int type, int protocol)
{
	(void)domain;
	(void)type;
	(void)protocol;
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

int connect(int fd, __CONST_SOCKADDR_ARG addr, socklen_t len)
{
	const struct sockaddr_in6 *to = (const void *)addr.__sockaddr__;

	(void)fd;
	(void)len;
	assert_int_equal(to->sin6_family, AF_INET6);
	note("", &to->sin6_addr);
	errno = connect_error;
	return -1;
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
	(void)fd;
	(void)level;
	(void)name;
	(void)value;
	(void)length;
	return 0;
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int getsockopt(
	int fd, int level, int name, void *restrict value, socklen_t *restrict length)
{
	assert_true(fd >= 0);
	assert_int_equal(level, SOL_SOCKET);
	assert_int_equal(name, SO_ERROR);
	assert_int_equal(*length, sizeof(socket_error));
	memcpy(value, &socket_error, sizeof(socket_error));
	return 0;
}

static void ready(struct source *source, uint32_t what)
{
	(void)source;
	(void)what;
}

static void count_done(struct dial *ended)
{
	assert_ptr_equal(ended, &dial);
	done++;
}

/* Dials a site that has an address for each letter. */
static void begin(const char *letters)
{
	const struct host host = { .name = "a.test", .length = 6 };

	time_now = 1000 * SECOND;
	pending = NULL;
	dial = (struct dial){ .done = count_done };
	peer = (struct peer){ .source.fd = -1 };
	connect_error = EINPROGRESS;
	socket_error = 0;
	pacer_refuses = false;
	done = charged = charged_failures = 0;
	story[0] = '\0';
	dial_resolve(&dial, NULL, NULL, &host);
	for (const char *letter = letters; *letter; letter++)
		dial.lookup.addresses[dial.lookup.count++] = (struct address){
			.bytes = { [0] = 0x26, [15] = (unsigned char)*letter }
		};
	dial_connect(&dial, NULL, 80, 0, &peer, ready);
}

static void wait_for_timer(void)
{
	struct timer *due = pending;

	assert_non_null(due);
	assert_true(due->deadline > time_now);
	time_now = due->deadline;
	pending = NULL;
	due->expired(due);
}

static void second_is_ready(int error)
{
	socket_error = error;
	dial.second.source.ready(&dial.second.source, 0);
}

static void first_is_ready(int error)
{
	socket_error = error;
	dial_ready(&dial);
}

/* The dial has ended, or was given up. Nothing of it is left, but the peer if connected. */
static void assert_over(int status, char letter)
{
	int seen;

	assert_int_equal(done, 1);
	assert_true(dial_has_ended(&dial, &seen));
	assert_int_equal(seen, status);
	assert_int_equal(dial_last(&dial)->bytes[15], letter);
	assert_null(pending);
	assert_false(ring_holds(&dial.turn.place));
	assert_false(peer.connecting);
	assert_int_equal(peer_is_open(&peer), status == 0);
	/* Each try is charged, and each but the one that won once more. */
	assert_int_equal(charged_failures + (status == 0), charged);
	peer_close(&peer);
}

static void one_address_is_connected(void **state)
{
	(void)state;
	begin("a");
	assert_true(peer.connecting);
	assert_true(pending->deadline > time_now + HEAD_START);
	first_is_ready(0);
	assert_string_equal(story, "a+a");
	assert_over(0, 'a');
}

static void a_silent_address_has_a_head_start_and_loses(void **state)
{
	int fd;

	(void)state;
	begin("abc");
	assert_string_equal(story, "a");
	assert_int_equal(pending->deadline, time_now + HEAD_START);
	wait_for_timer();
	assert_string_equal(story, "ab");
	assert_int_equal(charged, 2);
	fd = dial.second.source.fd;
	second_is_ready(0);
	assert_string_equal(story, "ab-a+b");
	assert_int_equal(peer.source.fd, fd);
	assert_true(peer.writable);
	assert_int_equal(peer.segments, 1);
	assert_ptr_equal(peer.source.ready, ready);
	assert_over(0, 'b');
}

static void a_slow_address_may_still_win(void **state)
{
	(void)state;
	begin("ab");
	wait_for_timer();
	first_is_ready(0);
	assert_string_equal(story, "ab+a"); /* b had no chance, so it did not fail */
	assert_over(0, 'a');
}

static void after_a_failure_the_next_address_is_tried_at_once(void **state)
{
	(void)state;
	begin("abc");
	first_is_ready(ECONNREFUSED);
	assert_string_equal(story, "a-ab");
	wait_for_timer();
	assert_string_equal(story, "a-abc");
	second_is_ready(ECONNREFUSED);
	assert_string_equal(story, "a-abc-c");
	first_is_ready(0);
	assert_over(0, 'b');
}

static void two_tries_at_most_are_under_way(void **state)
{
	(void)state;
	begin("abcdef");
	wait_for_timer();
	wait_for_timer();
	/* The first has had its time. */
	assert_int_equal(time_now, 1000 * SECOND + 28 * SECOND / 6);
	assert_string_equal(story, "ab-ac");
	assert_int_equal(charged - charged_failures, 2);
	first_is_ready(0);
	assert_string_equal(story, "ab-ac-b+c");
	assert_over(0, 'c');
}

static void all_addresses_may_fail(void **state)
{
	(void)state;
	begin("ab");
	while (!done)
		wait_for_timer();
	assert_string_equal(story, "ab-a-b");
	assert_true(time_now <= 1000 * SECOND + 28 * SECOND);
	assert_over(-ETIMEDOUT, 'b');
	begin("ab");
	first_is_ready(ECONNREFUSED);
	first_is_ready(ECONNRESET);
	assert_over(-ECONNRESET, 'b');
}

static void the_pacer_may_hold_the_second_try_back(void **state)
{
	(void)state;
	begin("ab");
	pacer_refuses = true;
	wait_for_timer();
	assert_string_equal(story, "a");
	assert_false(dial_is_waiting(&dial));
	first_is_ready(0);
	assert_over(0, 'a');

	begin("ab");
	pacer_refuses = true;
	wait_for_timer();
	first_is_ready(ECONNREFUSED);
	assert_true(dial_is_waiting(&dial));
	assert_null(pending);
	pacer_refuses = false;
	pacer_leave(&dial.turn);
	dial.turn.ready(&dial.turn);
	assert_string_equal(story, "a-ab");
	first_is_ready(0);
	assert_over(0, 'b');
}

static void all_that_is_under_way_can_be_given_up(void **state)
{
	(void)state;
	begin("ab");
	wait_for_timer();
	dial_cancel(&dial);
	assert_int_equal(done, 0);
	assert_null(pending);
	assert_false(peer_is_open(&peer));
	assert_false(peer_is_open(&dial.second));
	assert_int_equal(charged_failures, 2);
	dial_cancel(&dial);
	assert_int_equal(charged_failures, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_address_is_connected),
		cmocka_unit_test(a_silent_address_has_a_head_start_and_loses),
		cmocka_unit_test(a_slow_address_may_still_win),
		cmocka_unit_test(after_a_failure_the_next_address_is_tried_at_once),
		cmocka_unit_test(two_tries_at_most_are_under_way),
		cmocka_unit_test(all_addresses_may_fail),
		cmocka_unit_test(the_pacer_may_hold_the_second_try_back),
		cmocka_unit_test(all_that_is_under_way_can_be_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
