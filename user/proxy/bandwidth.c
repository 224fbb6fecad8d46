// SPDX-License-Identifier: BSD-2-Clause
/* A connection's part of what all of the job's may move and hold: its turns at the throttle, and its share of the queues. */

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <linux/tcp.h> /* the C library's struct tcp_info has no bytes */

#include "lib/cleanup.h"
#include "proxy/connection.h"

static void upload_turn(struct waiter *waiter)
{
	connection_run(container_of(waiter, struct connection, upload_turn));
}

static void download_turn(struct waiter *waiter)
{
	connection_run(container_of(waiter, struct connection, download_turn));
}

void bandwidth_join(struct connection *connection)
{
	connection->upload_turn.ready = upload_turn;
	connection->download_turn.ready = download_turn;
	connection->proxy->connections++;
}

void bandwidth_leave(struct connection *connection)
{
	throttle_leave(&connection->upload_turn);
	throttle_leave(&connection->download_turn);
	bandwidth_count_stuck(connection);
	connection->proxy->connections--;
}

void bandwidth_count_stuck(struct connection *connection)
{
	bool stuck = connection->client.out || connection->upstream.out ||
		     connection->up.piped || connection->down.piped;

	connection->proxy->movers.stuck += (unsigned)stuck - (unsigned)connection->stuck;
	connection->stuck = stuck;
}

/* Those that stand still are not counted, so they don't grow. */
void bandwidth_limit_queues(struct connection *connection)
{
	const struct proxy *proxy = connection->proxy;
	const volatile struct job_limits *limits = rules_limits(proxy->rules);
	size_t share = queues_share(limits->rate, &proxy->movers, proxy->connections);
	bool grows;

	if (share && connection->moved.little)
		share = SHARE_MIN;
	grows = !share || (connection->share && share > connection->share);
	if (share == connection->share ||
		(grows && connection->moved.second != proxy->movers.second))
		return;
	connection->share = share;
	queues_limit_client(&connection->client, share);
	if (!dial_is_connecting(&connection->dial))
		queues_limit_site(&connection->upstream, share);
}

size_t bandwidth_allowance(
	struct connection *connection, enum direction direction, size_t want)
{
	struct throttle *throttle = connection->proxy->throttle;
	size_t allowed = throttle_allowance(throttle, direction, want);

	if (!allowed)
		throttle_wait(throttle, direction,
			direction == UPLOAD ? &connection->upload_turn
					    : &connection->download_turn);
	return allowed;
}

void bandwidth_spend(struct connection *connection, enum direction direction, size_t bytes)
{
	throttle_spend(connection->proxy->throttle, direction, bytes, &connection->upstream,
		&connection->client);
	if (direction == DOWNLOAD)
		connection->passed += bytes;
	bandwidth_count_moved(connection, bytes);
}

void bandwidth_count_moved(struct connection *connection, size_t bytes)
{
	struct proxy *proxy = connection->proxy;

	movers_count(&proxy->movers, &connection->moved, loop_now(proxy->loop), bytes,
		rules_limits(proxy->rules)->rate);
	if (connection->state >= STATE_EXCHANGE)
		connection_enter(connection, connection->state);
}

long client_read(struct connection *connection)
{
	size_t allowed;
	long length;

	if (!connection->client.readable || connection->client.eof)
		return -EAGAIN;
	allowed = bandwidth_allowance(connection, UPLOAD, queues_piece(connection->share));
	if (!allowed)
		return -EAGAIN;
	length = peer_read(&connection->client, allowed);
	if (length > 0)
		bandwidth_spend(connection, UPLOAD, (size_t)length);
	return length;
}

long client_write(struct connection *connection)
{
	size_t allowed;
	long length;

	if (!connection->client.writable)
		return -EAGAIN;
	allowed = bandwidth_allowance(
		connection, DOWNLOAD, buffer_length(connection->client.out));
	if (!allowed)
		return -EAGAIN;
	length = peer_write(&connection->client, allowed);
	if (length > 0)
		bandwidth_spend(connection, DOWNLOAD, (size_t)length);
	return length;
}

/* What is neither passed on nor waiting for that: frames of chunks, interim responses, an answer that the client did not wait for. */
static void count_lost(struct connection *connection, uint64_t received)
{
	uint64_t known = connection->passed + connection->lost +
			 buffer_length(connection->upstream.in) +
			 buffer_length(connection->client.out);

	if (received <= known)
		return;
	throttle_lose(connection->proxy->throttle, received - known);
	connection->lost += received - known;
}

long upstream_read(struct connection *connection)
{
	struct throttle *throttle = connection->proxy->throttle;
	long length;

	count_lost(connection, connection->received);
	if (throttle_is_behind(throttle)) {
		throttle_wait(throttle, DOWNLOAD, &connection->download_turn);
		return -EAGAIN;
	}
	length = peer_read(&connection->upstream, queues_piece(connection->share));
	if (length <= 0)
		return length;
	connection->received += (uint64_t)length;
	bandwidth_count_moved(connection, (size_t)length);
	return length;
}

void client_close(struct connection *connection)
{
	const volatile struct job_limits *limits = rules_limits(connection->proxy->rules);
	struct peer *client = &connection->client;
	struct tcp_info info;
	socklen_t length = sizeof(info);

	/* The proxy's own clock has reckoned it; the kernel's does as it is sent. */
	if (limits->rate && !limits->paced && peer_is_open(client) &&
		!getsockopt(client->source.fd, IPPROTO_TCP, TCP_INFO, &info, &length))
		throttle_lose(connection->proxy->throttle, info.tcpi_notsent_bytes);
	peer_close(client);
}

void upstream_close(struct connection *connection)
{
	struct proxy *proxy = connection->proxy;
	struct peer *upstream = &connection->upstream;
	struct tcp_info info;
	socklen_t length = sizeof(info);

	if (peer_is_open(upstream))
		closing_choose(&proxy->closings, upstream->source.fd,
			connection->answered || connection->state == STATE_LEAVING,
			loop_now(proxy->loop));
	if (rules_limits(proxy->rules)->rate && peer_is_open(upstream) &&
		!getsockopt(upstream->source.fd, IPPROTO_TCP, TCP_INFO, &info, &length)) {
		buffer_put(&upstream->in);
		count_lost(connection, info.tcpi_bytes_received);
	}
	peer_close(upstream);
	connection->received = connection->passed = connection->lost = 0;
}
