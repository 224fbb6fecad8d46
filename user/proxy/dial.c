// SPDX-License-Identifier: BSD-2-Clause
/*
 * See dial.h. The addresses were checked when they were resolved. So they are dialled as
 * they are.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "names/address.h"
#include "proxy/closing.h"
#include "proxy/dial.h"
#include "proxy/window.h"

#define PATIENCE     (28 * SECOND) /* for all addresses of a site */
#define TRY_PATIENCE (10 * SECOND) /* for one at most */
#define HEAD_START   (250 * MILLISECOND)

static bool is_under_way(const struct dial *dial)
{
	return dial->tries[0].peer || dial->tries[1].peer;
}

/* Whether the next address may be tried now, if the pacer lets it. */
static bool may_try(const struct dial *dial)
{
	if (dial->next == dial->lookup.count ||
		(dial->tries[0].peer && dial->tries[1].peer))
		return false;
	return !is_under_way(dial) || dial->next_at <= loop_now(dial->loop);
}

static void set_timer(struct dial *dial)
{
	uint64_t now = loop_now(dial->loop), due = UINT64_MAX;
	bool both = true;

	for (size_t i = 0; i < ARRAY_SIZE(dial->tries); i++) {
		const struct dial_try *tried = &dial->tries[i];

		both &= tried->peer != NULL;
		if (tried->peer && tried->deadline < due)
			due = tried->deadline;
	}
	/* In line the pacer tells when it goes on. */
	if (!both && dial->next < dial->lookup.count && !ring_holds(&dial->turn.place) &&
		dial->next_at < due)
		due = dial->next_at;
	if (is_under_way(dial))
		loop_set_timer(dial->loop, &dial->timer, due > now ? due - now : 0);
	else
		loop_cancel_timer(dial->loop, &dial->timer);
}

static void second_ready(struct source *source, uint32_t events);

/* Returns the socket of a try that is under way or connected, or -errno. */
static int connect_to(const struct dial *dial, const struct address *address)
{
	const struct endpoint endpoint = { .address = *address, .port = htons(dial->port) };
	struct sockaddr_storage socket_address;
	socklen_t length = endpoint_to_socket(&endpoint, &socket_address);
	_fd_ int fd = socket(
		socket_address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const int on = 1;

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	closing_prepare(fd);
	if (dial->window)
		window_limit_unconnected(fd, dial->window);
	/*
	 * EPERM comes from the programs on the proxy's cgroup, which refused the address.
	 */
	if (connect(fd, (struct sockaddr *)&socket_address, length) && errno != EINPROGRESS)
		return errno == EPERM ? -EACCES : -errno;
	return TAKE_FD(fd);
}

/* Tries the next address. On failure dial->status says why. */
static void try_next(struct dial *dial)
{
	struct dial_try *tried = &dial->tries[dial->tries[0].peer ? 1 : 0];
	bool first = tried == dial->tries;
	struct peer *peer = first ? dial->peer : &dial->second;
	const struct address *address = &dial->lookup.addresses[dial->next++];
	const uint64_t share = PATIENCE / (uint64_t)dial->lookup.count,
		       now = loop_now(dial->loop);
	_fd_ int fd = connect_to(dial, address);
	int error = fd < 0 ? fd : 0;

	dial->last = dial->next;
	if (!error)
		error = peer_open(
			peer, dial->loop, fd, false, first ? dial->ready : second_ready);
	if (error) {
		dial->status = error;
		resolver_note_dial(dial->resolver, address, false);
		return;
	}
	TAKE_FD(fd);
	pacer_charge_dial(dial->pacer, peer);
	tried->peer = peer;
	tried->index = dial->next - 1;
	tried->deadline = now + (share < TRY_PATIENCE ? share : TRY_PATIENCE);
	dial->next_at = now + HEAD_START;
}

/* Closes what is under way. The kernel may have sent, and the site answered, until now. */
static void give_up(struct dial *dial, struct dial_try *tried)
{
	struct peer *peer = TAKE_POINTER(tried->peer);

	if (!peer)
		return;
	pacer_charge_failed_dial(dial->pacer, peer);
	peer_close(peer);
	peer->connecting = false;
}

static void give_up_all(struct dial *dial)
{
	pacer_leave(&dial->turn);
	loop_cancel_timer(dial->loop, &dial->timer);
	for (size_t i = 0; i < ARRAY_SIZE(dial->tries); i++)
		give_up(dial, &dial->tries[i]);
}

static void end(struct dial *dial, int status)
{
	dial->peer = NULL;
	dial->status = status;
	dial->ended = true;
	dial->done(dial);
}

static void go_on(struct dial *dial)
{
	while (may_try(dial) && pacer_ask(dial->pacer, DIALS, &dial->turn, 1))
		try_next(dial);
	set_timer(dial);
	if (!is_under_way(dial) && !ring_holds(&dial->turn.place))
		end(dial, dial->status);
}

static void turn(struct waiter *waiter)
{
	go_on(container_of(waiter, struct dial, turn));
	pacer_end_turn(waiter);
}

static void fail(struct dial *dial, struct dial_try *tried, int status)
{
	dial->status = status;
	dial->last = tried->index + 1;
	dial->next_at = loop_now(dial->loop);
	resolver_note_dial(dial->resolver, dial_last(dial), false);
	give_up(dial, tried);
}

static void expired(struct timer *timer)
{
	struct dial *dial = container_of(timer, struct dial, timer);

	for (size_t i = 0; i < ARRAY_SIZE(dial->tries); i++) {
		struct dial_try *tried = &dial->tries[i];

		if (tried->peer && tried->deadline <= loop_now(dial->loop))
			fail(dial, tried, -ETIMEDOUT);
	}
	go_on(dial);
}

static void win(struct dial *dial, struct dial_try *winner)
{
	struct dial_try *loser = &dial->tries[winner == dial->tries];
	int error = 0;

	/* The loser had a head start, unless it came last. */
	if (loser->peer && loser->index < winner->index)
		resolver_note_dial(
			dial->resolver, &dial->lookup.addresses[loser->index], false);
	dial->last = winner->index + 1;
	resolver_note_dial(dial->resolver, dial_last(dial), true);
	winner->peer = NULL;
	give_up_all(dial);
	if (winner != dial->tries)
		error = peer_move(dial->peer, &dial->second, dial->ready);
	if (error)
		peer_close(&dial->second);
	dial->peer->connecting = false;
	dial->peer->writable = !error;
	end(dial, error);
}

static void try_ready(struct dial *dial, struct dial_try *tried)
{
	socklen_t length = sizeof(int);
	int error = 0;

	if (getsockopt(tried->peer->source.fd, SOL_SOCKET, SO_ERROR, &error, &length))
		error = errno;
	if (!error) {
		win(dial, tried);
		return;
	}
	fail(dial, tried, -error);
	go_on(dial);
}

void dial_ready(struct dial *dial)
{
	try_ready(dial, &dial->tries[0]);
}

static void second_ready(struct source *source, uint32_t events)
{
	struct dial *dial = container_of(source, struct dial, second.source);

	(void)events;
	try_ready(dial, &dial->tries[1]);
}

bool dial_has_ended(struct dial *dial, int *status)
{
	bool ended = dial->ended;

	*status = dial->status;
	dial->ended = false;
	return ended;
}

void dial_connect(struct dial *dial, struct pacer *pacer, uint16_t port, size_t window,
	struct peer *peer, void (*ready)(struct source *source, uint32_t events))
{
	dial->peer = peer;
	dial->pacer = pacer;
	dial->turn.ready = turn;
	dial->port = port;
	dial->window = window;
	dial->ready = ready;
	dial->next = dial->last = 0;
	dial->ended = false;
	dial->status = -EHOSTUNREACH;
	go_on(dial);
}

static void looked_up(struct lookup *lookup, int status)
{
	end(container_of(lookup, struct dial, lookup), status);
}

void dial_resolve(struct dial *dial, struct loop *loop, struct resolver *resolver,
	const struct host *host)
{
	dial->loop = loop;
	dial->timer.expired = expired;
	dial->resolver = resolver;
	dial->lookup.done = looked_up;
	dial->last = 0;
	dial->ended = false;
	resolver_look_up(resolver, host, &dial->lookup);
}

void dial_prefer(struct dial *dial, size_t index)
{
	struct address *addresses = dial->lookup.addresses, preferred = addresses[index];

	memmove(addresses + 1, addresses, index * sizeof(preferred));
	addresses[0] = preferred;
}

void dial_recall(struct dial *dial, const struct address *address, int status)
{
	dial->lookup.addresses[0] = *address;
	dial->lookup.count = dial->last = 1;
	end(dial, status);
}

void dial_cancel(struct dial *dial)
{
	dial->ended = false;
	if (dial->lookup.resolver)
		lookup_cancel(&dial->lookup);
	if (!dial->peer)
		return;
	give_up_all(dial);
	dial->peer = NULL;
}
