// SPDX-License-Identifier: BSD-2-Clause
/* See relay.h. */

#include <errno.h>

#include "lib/cleanup.h"
#include "proxy/relay.h"
#include "proxy/statistics.h"
#include "proxy/tcp_info.h"
#include "proxy/trace.h"

int relays_init(
	struct relays *all, struct loop *loop, const volatile struct job_limits *limits)
{
	*all = (struct relays){ .loop = loop, .limits = limits };
	return pacer_new(loop, limits, &all->pacer);
}

void relay_wake(struct relay *relay)
{
	if (relay->turn_asked || relay->closed)
		return;
	relay->turn_asked = true;
	loop_defer(relay->all->loop, &relay->turn);
}

static void run(struct deferred *turn)
{
	struct relay *relay = container_of(turn, struct relay, turn);

	relay->turn_asked = false;
	if (relay->closed)
		return;
	relay->owner->run(relay);
	pacer_end_turn(&relay->upload_turn);
	pacer_end_turn(&relay->download_turn);
}

static void upload_ready(struct waiter *waiter)
{
	relay_wake(container_of(waiter, struct relay, upload_turn));
}

static void download_ready(struct waiter *waiter)
{
	relay_wake(container_of(waiter, struct relay, download_turn));
}

static void client_ready(struct source *source, uint32_t events)
{
	struct relay *relay = container_of(source, struct relay, client.source);

	peer_note(&relay->client, events);
	relay_wake(relay);
}

void relay_note_upstream(struct relay *relay, uint32_t events)
{
	peer_note(&relay->upstream, events);
	relay_wake(relay);
}

int relay_open(
	struct relay *relay, struct relays *all, int fd, const struct relay_owner *owner)
{
	int error;

	*relay = (struct relay){ .all = all,
		.owner = owner,
		.turn.run = run,
		.upload_turn.ready = upload_ready,
		.download_turn.ready = download_ready,
		.flow = { { .pipe = { -1, -1 } }, { .pipe = { -1, -1 } } },
		.upstream.source.fd = -1 };
	error = peer_open(&relay->client, all->loop, fd, true, client_ready);
	if (error)
		return error;
	statistics_open_connections(++all->open);
	relay->number = ++all->opened;
	return 0;
}

void relay_close(struct relay *relay)
{
	relay_close_client(relay);
	relay_drop(relay, UPLOAD);
	pacer_leave(&relay->upload_turn);
	pacer_leave(&relay->download_turn);
	relay_count_backlog(relay);
	statistics_open_connections(--relay->all->open);
	relay->closed = true;
}

void relay_count_backlog(struct relay *relay)
{
	bool backlogged = relay->client.out || relay->upstream.out ||
			  relay->flow[UPLOAD].piped || relay->flow[DOWNLOAD].piped;

	relay->all->active.backlogged += (unsigned)backlogged - (unsigned)relay->backlogged;
	relay->backlogged = backlogged;
}

/* Only a relay that moved bytes in this second gets a larger window. */
void relay_limit_windows(struct relay *relay)
{
	const struct relays *all = relay->all;
	size_t window = window_size(all->limits->rate, &all->active, all->open);
	bool grows;

	if (window && relay->activity.is_light)
		window = WINDOW_MIN;
	grows = !window || (relay->window && window > relay->window);
	if (window == relay->window ||
		(grows && relay->activity.second != all->active.second))
		return;
	relay->window = window;
	window_limit_client(&relay->client, window);
	if (!relay->upstream.connecting)
		window_limit_site(&relay->upstream, window);
}

size_t relay_read_size(const struct relay *relay)
{
	return window_read_size(relay->window);
}

bool relay_is_full(const struct relay *relay, const struct peer *to)
{
	return buffer_length(to->out) >= relay_read_size(relay);
}

size_t relay_ask(struct relay *relay, enum direction direction, size_t want)
{
	return pacer_ask(relay->all->pacer, direction,
		direction == UPLOAD ? &relay->upload_turn : &relay->download_turn, want);
}

static void count_moved(struct relay *relay, size_t bytes)
{
	struct relays *all = relay->all;

	active_count(&all->active, &relay->activity, loop_now(all->loop), bytes,
		all->limits->rate);
	relay->owner->moved(relay);
}

void relay_charge(struct relay *relay, enum direction direction, size_t bytes)
{
	pacer_charge(relay->all->pacer, direction, bytes, &relay->upstream, &relay->client);
	if (direction == DOWNLOAD)
		relay->account.forwarded += bytes;
	else
		relay->uploaded += bytes;
	count_moved(relay, bytes);
}

/* Counts what the job sent or received. So the log and the statistics never disagree. */
static void count_payload(struct relay *relay, enum direction direction, uint64_t bytes)
{
	bool up = direction == UPLOAD;

	statistics_add(up ? &statistics->sent : &statistics->received, bytes);
	if (relay->use)
		statistics_add(up ? &relay->use->sent : &relay->use->received, bytes);
	*(up ? &relay->sent : &relay->received) += bytes;
}

void relay_count_for(struct relay *relay, struct domain_use *use)
{
	uint64_t waiting = buffer_length(relay->client.in);

	if (relay->use)
		statistics_add(&relay->use->sent, -waiting);
	if (use)
		statistics_add(&use->sent, waiting);
	relay->use = use;
}

/* A client may send records that carry nothing, so the next read is in another round. */
static long read_on(struct relay *relay, long length)
{
	if (length != -EINPROGRESS)
		return length;
	relay_wake(relay);
	return -EAGAIN;
}

long relay_read_client(struct relay *relay)
{
	uint64_t before = relay->client.read, moved;
	size_t allowed;
	long length;

	if (!peer_may_read(&relay->client))
		return -EAGAIN;
	allowed = relay_ask(relay, UPLOAD, relay_read_size(relay));
	if (!allowed)
		return -EAGAIN;
	length = peer_read(&relay->client, allowed);
	moved = relay->client.read - before;
	if (moved) {
		count_payload(relay, UPLOAD, moved);
		relay_charge(relay, UPLOAD, (size_t)moved);
	}
	return read_on(relay, length);
}

long relay_write_client(struct relay *relay)
{
	size_t allowed;
	long length;

	if (!relay->client.writable)
		return -EAGAIN;
	allowed = relay_ask(relay, DOWNLOAD, peer_unsent(&relay->client));
	if (!allowed)
		return -EAGAIN;
	length = peer_write(&relay->client, allowed);
	if (length > 0) {
		count_payload(relay, DOWNLOAD, (uint64_t)length);
		relay_charge(relay, DOWNLOAD, (size_t)length);
	}
	return length;
}

/*
 * Makes those bytes a debt that were received, but neither forwarded nor are they still in
 * a buffer. Such bytes are frames of chunks, interim responses, and what a client did not
 * wait for.
 */
static void charge_unforwarded(struct relay *relay, uint64_t received)
{
	struct account *account = &relay->account;
	/* What waits as plain bytes will have records of TLS around it again. */
	uint64_t known =
		account->forwarded + account->charged + peer_unsent(&relay->client) +
		peer_wire_length(&relay->client, buffer_length(relay->upstream.in)) +
		peer_unread(&relay->upstream) - buffer_length(relay->upstream.in);

	if (received <= known)
		return;
	pacer_charge_unforwarded(relay->all->pacer, received - known);
	account->charged += received - known;
}

void relay_settle(struct relay *relay)
{
	struct account *account = &relay->account;

	charge_unforwarded(relay, account->received);
	account->charged = account->received;
	account->forwarded = 0;
}

long relay_read_upstream(struct relay *relay)
{
	struct pacer *pacer = relay->all->pacer;
	uint64_t before = relay->upstream.read, moved;
	long length;

	charge_unforwarded(relay, relay->account.received);
	if (pacer_is_in_debt(pacer)) {
		pacer_wait(pacer, DOWNLOAD, &relay->download_turn);
		return -EAGAIN;
	}
	length = peer_read(&relay->upstream, relay_read_size(relay));
	moved = relay->upstream.read - before;
	if (moved) {
		relay->account.received += moved;
		count_moved(relay, (size_t)moved);
	}
	return read_on(relay, length);
}

/*
 * TLS with the site adds bytes to those of the client. If they are more than the client's
 * own TLS took, they would be beyond the rate.
 */
static void charge_added(struct relay *relay, size_t bytes)
{
	relay->passed_on += bytes;
	if (relay->upstream.tls && relay->passed_on > relay->uploaded)
		relay_charge(relay, UPLOAD, (size_t)(relay->passed_on - relay->uploaded));
}

long relay_write_upstream(struct relay *relay)
{
	long length = peer_write(&relay->upstream, BUFFER_SIZE);

	if (length > 0) {
		count_moved(relay, (size_t)length);
		charge_added(relay, (size_t)length);
	}
	return length;
}

int relay_flush_client(struct relay *relay)
{
	while (relay->client.out) {
		long length = relay_write_client(relay);

		if (length < 0)
			return (int)length;
	}
	return 0;
}

int relay_flush_upstream(struct relay *relay)
{
	while (relay->upstream.out) {
		long length = relay_write_upstream(relay);

		if (length < 0)
			return (int)length;
	}
	return 0;
}

long relay_splice(struct relay *relay, enum direction direction, size_t most)
{
	struct flow *flow = &relay->flow[direction];
	struct peer *from = direction == UPLOAD ? &relay->client : &relay->upstream;
	size_t allowed;
	long length;

	if (!from->readable || from->eof)
		return -EAGAIN;
	if (direction == DOWNLOAD)
		charge_unforwarded(relay, relay->account.received);
	allowed = relay_ask(relay, direction, most);
	if (!allowed)
		return -EAGAIN;
	if (!flow_open(flow))
		return -ENOBUFS;
	length = peer_splice(from, flow->pipe[1], allowed);
	if (length <= 0) {
		flow_close(flow);
		return length;
	}
	flow->piped = (size_t)length;
	if (direction == DOWNLOAD)
		relay->account.received += (uint64_t)length;
	else
		count_payload(relay, UPLOAD, (uint64_t)length);
	relay_charge(relay, direction, flow->piped);
	return length;
}

int relay_drain(struct relay *relay, enum direction direction)
{
	struct flow *flow = &relay->flow[direction];
	struct peer *to = direction == UPLOAD ? &relay->upstream : &relay->client;

	while (flow->piped) {
		long length = peer_drain(to, flow->pipe[0], flow->piped);

		if (length <= 0)
			return length ? (int)length : -EPIPE;
		flow->piped -= (size_t)length;
		if (direction == DOWNLOAD)
			count_payload(relay, DOWNLOAD, (uint64_t)length);
		relay->owner->moved(relay);
	}
	flow_close(flow);
	return 0;
}

void relay_drop(struct relay *relay, enum direction direction)
{
	struct flow *flow = &relay->flow[direction];
	const volatile struct job_limits *limits = relay->all->limits;

	if (direction == DOWNLOAD && limits->rate && !limits->paced)
		pacer_charge_unforwarded(relay->all->pacer, flow->piped);
	flow_close(flow);
}

void relay_close_client(struct relay *relay)
{
	const volatile struct job_limits *limits = relay->all->limits;
	struct tcp_info info;

	relay_drop(relay, DOWNLOAD);
	/*
	 * Where the proxy paces, its clock has charged it. The kernel charges what it
	 * sends.
	 */
	if (peer_is_open(&relay->client) && limits->rate && !limits->paced &&
		tcp_info_read(relay->client.source.fd, &info))
		pacer_charge_unforwarded(relay->all->pacer, info.tcpi_notsent_bytes);
	peer_close(&relay->client);
}

void relay_close_upstream(struct relay *relay, bool over)
{
	struct relays *all = relay->all;
	struct peer *upstream = &relay->upstream;
	struct account *account = &relay->account;
	bool open = peer_is_open(upstream), in_order = false;
	struct tcp_info info;

	relay_drop(relay, UPLOAD);
	if (open)
		in_order = closing_choose(
			&all->closings, upstream->source.fd, over, loop_now(all->loop));
	if (open && all->limits->rate && tcp_info_read(upstream->source.fd, &info)) {
		peer_forget(upstream);
		charge_unforwarded(relay, info.tcpi_bytes_received);
	}
	if (open)
		trace(all->limits, relay->number,
			"upstream %s: read %llu bytes, forwarded %llu, charged %llu",
			in_order ? "closed in order" : "reset",
			(unsigned long long)account->received,
			(unsigned long long)account->forwarded,
			(unsigned long long)account->charged);
	peer_close(upstream);
	*account = (struct account){};
}
