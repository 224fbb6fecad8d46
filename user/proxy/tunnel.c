// SPDX-License-Identifier: BSD-2-Clause
/*
 * The state TUNNEL passes bytes both ways unseen, except for the rest of a handshake of TLS
 * 1.2 or older. Bytes are spliced.
 */

#include <errno.h>
#include <sys/socket.h>

#include "lib/clock.h"
#include "proxy/connection.h"

/* ns of silence from a site that is not told that the client has ended */
#define HELD_PATIENCE SECOND

void tunnel_begin(struct connection *connection)
{
	/*
	 * Bytes that were read are passed on as they are, after those that still wait to be
	 * written.
	 */
	connection->relay.flow[UPLOAD].finished = false;
	connection->relay.flow[DOWNLOAD].finished = false;
	connection->tunnel.held = false;
	connection_enter(connection, STATE_TUNNEL);
}

/* Passes on bytes that were read before the tunnel began. STEP_AGAIN: none are left. */
static enum step flush(struct connection *connection, struct peer *from, struct peer *to)
{
	for (;;) {
		long length;

		if (!to->out) {
			to->out = from->in;
			from->in = NULL;
		}
		if (!to->out)
			return STEP_AGAIN;
		length = to == &connection->relay.client
				 ? relay_write_client(&connection->relay)
				 : relay_write_upstream(&connection->relay);
		if (length < 0)
			return length == -EAGAIN ? STEP_WAIT : STEP_END;
	}
}

static enum step drain(struct connection *connection, enum direction direction)
{
	int error = relay_drain(&connection->relay, direction);

	if (!error)
		return STEP_AGAIN;
	return error == -EAGAIN ? STEP_WAIT : STEP_END;
}

/* Reads what is watched, and where bytes can't be spliced. */
static enum step read_on(struct connection *connection, struct peer *from)
{
	long length = -EAGAIN;
	size_t allowed;

	if (from == &connection->relay.client)
		length = relay_read_client(&connection->relay);
	else if (from->tls)
		length = relay_read_upstream(&connection->relay);
	else if ((allowed = relay_ask(&connection->relay, DOWNLOAD,
			  relay_read_size(&connection->relay))))
		length = peer_read(from, allowed);
	else
		return STEP_WAIT;
	if (length > 0 && from == &connection->relay.upstream)
		answer_watch(connection, (size_t)length);
	if (length > 0)
		return STEP_AGAIN;
	if (length < 0 && length != -EAGAIN)
		return STEP_END;
	/* After EPOLLHUP no more data comes, so it is the end. */
	from->eof |= from->hung;
	return from->eof ? STEP_AGAIN : STEP_WAIT;
}

static enum step fill(
	struct connection *connection, enum direction direction, struct peer *from)
{
	struct relay *relay = &connection->relay;
	long length;

	if ((direction == DOWNLOAD && connection->handshake.watched) || relay->client.tls)
		return read_on(connection, from);
	length = relay_splice(relay, direction, relay_read_size(relay));
	if (length == -ENODATA)
		return read_on(connection, from);
	if (length > 0)
		return STEP_AGAIN;
	return length == -EAGAIN ? STEP_WAIT : STEP_END;
}

/* A connection is not kept in TIME-WAIT here if the site has ended, or ends by itself. */
static void pass_end(struct connection *connection, struct peer *to)
{
	struct proxy *proxy = connection->proxy;

	if (to == &connection->relay.upstream && !to->eof &&
		!closings_take(&proxy->relays.closings, loop_now(proxy->loop)))
		connection->tunnel.held = true;
	else
		peer_end(to);
}

bool tunnel_tell_end(struct connection *connection)
{
	struct proxy *proxy = connection->proxy;

	if (connection->state != STATE_TUNNEL || !connection->tunnel.held ||
		!closings_take(&proxy->relays.closings, loop_now(proxy->loop)))
		return false;
	connection->tunnel.held = false;
	peer_end(&connection->relay.upstream);
	connection_enter(connection, STATE_TUNNEL);
	return true;
}

/* Bytes are passed on in the turn in which they came, if they can. */
static enum step run_flow(struct connection *connection, enum direction direction)
{
	struct relay *relay = &connection->relay;
	struct flow *flow = &relay->flow[direction];
	bool up = direction == UPLOAD;
	struct peer *from = up ? &relay->client : &relay->upstream,
		    *to = up ? &relay->upstream : &relay->client;
	enum step step = flush(connection, from, to);

	if (step == STEP_AGAIN)
		step = drain(connection, direction);
	if (step != STEP_AGAIN || flow->finished)
		return step == STEP_AGAIN ? STEP_WAIT : step;
	if (!from->eof && !peer_may_read(from))
		return from->error ? STEP_END : STEP_WAIT;
	if (!from->eof)
		step = fill(connection, direction, from);
	if (step == STEP_AGAIN)
		step = drain(connection, direction);
	if (step == STEP_AGAIN && from->eof) {
		flow->finished = true;
		pass_end(connection, to);
	}
	return step;
}

enum step tunnel_step(struct connection *connection)
{
	const struct relay *relay = &connection->relay;
	const struct flow *uploads = &relay->flow[UPLOAD],
			  *downloads = &relay->flow[DOWNLOAD];
	enum step up = run_flow(connection, UPLOAD);
	enum step down;

	if (up == STEP_END)
		return STEP_END;
	down = run_flow(connection, DOWNLOAD);
	/*
	 * One direction has ended and the peer hung up, so the other direction can't go on.
	 */
	if (down == STEP_END ||
		(uploads->finished && (downloads->finished || relay->client.hung)) ||
		(downloads->finished && relay->upstream.hung))
		return STEP_END;
	/* Give no more time once the time of the state is over. */
	if (connection->tunnel.held &&
		connection->deadline > loop_now(connection->proxy->loop) &&
		!relay_is_in_line(relay, DOWNLOAD) && !downloads->piped)
		connection_give_time(connection, HELD_PATIENCE);
	return up == STEP_AGAIN || down == STEP_AGAIN ? STEP_AGAIN : STEP_WAIT;
}
