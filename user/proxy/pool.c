// SPDX-License-Identifier: BSD-2-Clause
/* See pool.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "proxy/pool.h"
#include "proxy/tcp_info.h"
#include "proxy/trace.h"

#define PATIENCE (30 * SECOND)
#define LOAN	 SECOND /* the client may go on alone for so long */

/* An upstream that the pool keeps. It has what a relay knows of an upstream. */
struct kept {
	struct idle idle;
	struct pool *pool;
	struct host host;
	struct peer peer;
	struct account account;
	size_t window;
	uint64_t number; /* of the relay that had it, for the trace */
};

static struct kept *kept_of(struct idle *idle)
{
	return container_of(idle, struct kept, idle);
}

/* The idle upstream that has this place in the line. */
static struct idle *idle_at(struct ring *place)
{
	return container_of(place, struct idle, place);
}

void pool_reclaim(struct idle *idle)
{
	ring_remove(&idle->place);
}

static void forget(struct kept *kept)
{
	pool_reclaim(&kept->idle);
	kept->pool->count--;
	free(kept);
}

/* Bytes that the site sent since the account was settled go to nobody, so charge them. */
static void close_kept(struct kept *kept)
{
	struct relays *all = kept->pool->all;
	int fd = kept->peer.source.fd;
	bool in_order = closing_choose(&all->closings, fd, true, loop_now(all->loop));
	struct tcp_info info;

	if (all->limits->rate && tcp_info_read(fd, &info) &&
		info.tcpi_bytes_received > kept->account.received)
		pacer_charge_unforwarded(
			all->pacer, info.tcpi_bytes_received - kept->account.received);
	trace(all->limits, kept->number, "upstream to %s %s in the pool", kept->host.name,
		in_order ? "closed in order" : "reset");
	peer_close(&kept->peer);
	forget(kept);
}

static void drop(struct idle *idle)
{
	if (!idle->relay) {
		close_kept(kept_of(idle));
		return;
	}
	pool_reclaim(idle);
	relay_close_upstream(idle->relay, true);
}

static void set_timer(struct pool *pool)
{
	if (!ring_is_empty(&pool->line) && !pool->timer.deadline)
		loop_set_timer(pool->all->loop, &pool->timer, SECOND);
}

/* Closes what an update of the job has withdrawn. */
static void follow(struct pool *pool)
{
	uint64_t generation = pool->all->limits->generation;
	struct ring *place = pool->line.next, *next;

	if (generation == pool->generation)
		return;
	pool->generation = generation;
	for (; place != &pool->line; place = next) {
		struct idle *idle = idle_at(place);

		next = place->next;
		if (rules_check(pool->rules, idle->host))
			drop(idle);
	}
}

static void expired(struct timer *timer)
{
	struct pool *pool = container_of(timer, struct pool, timer);
	uint64_t now = loop_now(pool->all->loop);

	while (!ring_is_empty(&pool->line) &&
		idle_at(pool->line.next)->since + PATIENCE <= now)
		drop(idle_at(pool->line.next));
	follow(pool);
	set_timer(pool);
}

void pool_init(struct pool *pool, struct relays *all, struct rules *rules, unsigned most)
{
	*pool = (struct pool){ .all = all,
		.rules = rules,
		.most = most,
		.timer.expired = expired,
		.generation = all->limits->generation };
	ring_init(&pool->line);
	ring_init(&pool->waiting);
}

static void close_oldest(struct pool *pool)
{
	struct ring *place = pool->line.next;

	while (place != &pool->line && idle_at(place)->relay)
		place = place->next;
	if (place != &pool->line)
		drop(idle_at(place));
}

static bool is_full(const struct pool *pool)
{
	return pool->all->open + pool->count >= pool->most;
}

void pool_make_room(struct pool *pool)
{
	if (is_full(pool))
		close_oldest(pool);
}

void pool_lend(struct pool *pool, struct idle *idle)
{
	struct loop *loop = pool->all->loop;

	if (ring_holds(&idle->place))
		return;
	idle->since = loop_now(loop);
	ring_insert(&idle->place, &pool->line);
	set_timer(pool);
}

/* Whether a peer may be idle, as far as the loop has told by now. */
static bool is_quiet(const struct peer *peer)
{
	return peer_is_open(peer) && !peer->readable && !peer->eof && !peer->hung &&
	       !peer->error && !peer->reset && !peer_unread(peer);
}

static void kept_ready(struct source *source, uint32_t events)
{
	if (events != EPOLLOUT)
		close_kept(container_of(source, struct kept, peer.source));
}

void pool_wait(struct pool *pool, struct pool_waiter *waiter)
{
	if (!ring_holds(&waiter->place))
		ring_insert(&waiter->place, &pool->waiting);
}

void pool_stop_waiting(struct pool_waiter *waiter)
{
	ring_remove(&waiter->place);
}

/* Wakes the first one that waits for such an upstream. */
static void offer(struct pool *pool, const struct idle *idle)
{
	struct ring *place = pool->waiting.next, *next;

	for (; place != &pool->waiting; place = next) {
		struct pool_waiter *waiter = container_of(place, struct pool_waiter, place);
		bool wants = waiter->wants(waiter);

		next = place->next;
		if (wants && (waiter->port != idle->port ||
				     !host_equal(waiter->host, idle->host)))
			continue;
		pool_stop_waiting(waiter);
		if (!wants)
			continue;
		relay_wake(waiter->relay);
		return;
	}
}

bool pool_keep(struct pool *pool, struct idle *idle)
{
	struct relay *relay = idle->relay;
	struct ring *next;
	struct kept *kept;

	if (ring_holds(&idle->place) && is_quiet(&relay->upstream))
		pool_make_room(pool);
	/* Not before: it may have been the next one that made room. */
	next = idle->place.next;
	pool_reclaim(idle);
	if (!next || !is_quiet(&relay->upstream) || is_full(pool))
		return false;
	kept = malloc(sizeof(*kept));
	if (!kept)
		return false;
	*kept = (struct kept){ .idle = *idle,
		.pool = pool,
		.host = *idle->host,
		.account = relay->account,
		.window = relay->window,
		.number = relay->number };
	if (peer_move(&kept->peer, &relay->upstream, kept_ready)) {
		free(kept);
		return false;
	}
	relay->account = (struct account){};
	kept->idle.relay = NULL;
	kept->idle.host = &kept->host;
	ring_insert(&kept->idle.place, next);
	trace(pool->all->limits, kept->number, "upstream to %s kept", kept->host.name);
	if (++pool->count > POOL_KEPT_MAX)
		close_oldest(pool);
	/* The kept one may have been the oldest, and is gone then. */
	offer(pool, idle);
	return true;
}

/* The loop may not have told yet what came meanwhile. */
static bool is_silent(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* Moves an idle upstream to a relay. Returns false if it is of no use. */
static bool hand_over(struct idle *idle, struct relay *relay,
	void (*ready)(struct source *source, uint32_t events))
{
	struct relay *lender = idle->relay;
	struct kept *kept = lender ? NULL : kept_of(idle);
	struct peer *peer = lender ? &lender->upstream : &kept->peer;
	struct account *account = lender ? &lender->account : &kept->account;
	size_t window = lender ? lender->window : kept->window;

	if (!is_quiet(peer) || !is_silent(peer->source.fd) ||
		peer_move(&relay->upstream, peer, ready))
		return false;
	relay->account = *account;
	*account = (struct account){};
	relay->upstream.writable = true;
	if (window != relay->window)
		window_limit_site(&relay->upstream, relay->window);
	if (lender)
		pool_reclaim(idle);
	else
		forget(kept);
	return true;
}

static const struct address *find_address(
	const struct idle *idle, const struct address *addresses, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!memcmp(&addresses[i], &idle->address, sizeof(*addresses)))
			return &addresses[i];
	return NULL;
}

const struct address *pool_take(struct pool *pool, struct relay *relay,
	const struct host *host, uint16_t port, const struct address *addresses,
	size_t count, void (*ready)(struct source *source, uint32_t events))
{
	uint64_t now = loop_now(pool->all->loop);
	struct ring *place, *previous;

	follow(pool);
	/* A site closes first what is idle for the longest time. So take the last. */
	for (place = pool->line.previous; place != &pool->line; place = previous) {
		struct idle *idle = idle_at(place);
		const struct address *address;

		previous = place->previous;
		if ((idle->relay && idle->since + LOAN > now) || idle->port != port ||
			!host_equal(idle->host, host))
			continue;
		address = find_address(idle, addresses, count);
		if (address && hand_over(idle, relay, ready))
			return address;
		if (address)
			drop(idle);
	}
	return NULL;
}
