// SPDX-License-Identifier: BSD-2-Clause
/*
 * The state TUNNEL passes bytes both ways unseen, except for the rest of a handshake of TLS
 * 1.2 or older. Bytes are spliced through a pipe, which a flow has only while bytes are in
 * it. So an idle tunnel costs nothing but its two sockets.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "proxy/connection.h"

#define POOL_MAX 8

/* ns of silence from a site that is not told that the client has ended */
#define HELD_PATIENCE SECOND

static int pool[POOL_MAX][2];
static int pooled;

static bool pipe_get(struct flow *flow)
{
	if (flow->pipe[0] >= 0)
		return true;
	if (pooled) {
		pooled--;
		flow->pipe[0] = pool[pooled][0];
		flow->pipe[1] = pool[pooled][1];
		return true;
	}
	if (pipe2(flow->pipe, O_NONBLOCK | O_CLOEXEC) == 0)
		return true;
	flow->pipe[0] = -1;
	return false;
}

/* A pipe with bytes in it is not used again. */
static void pipe_put(struct flow *flow)
{
	if (flow->pipe[0] < 0)
		return;
	if (!flow->piped && pooled < POOL_MAX) {
		pool[pooled][0] = flow->pipe[0];
		pool[pooled][1] = flow->pipe[1];
		pooled++;
	} else {
		close(flow->pipe[0]);
		close(flow->pipe[1]);
	}
	flow->pipe[0] = -1;
	flow->piped = 0;
}

void tunnel_begin(struct connection *connection)
{
	/*
	 * Bytes that were read are passed on as they are, after those that still wait to be
	 * written.
	 */
	connection->tunnel.up.finished = connection->tunnel.down.finished = false;
	connection->tunnel.held = false;
	connection_enter(connection, STATE_TUNNEL);
}

void tunnel_end(struct connection *connection)
{
	pipe_put(&connection->tunnel.up);
	pipe_put(&connection->tunnel.down);
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
				 : peer_write(to, BUFFER_SIZE);
		if (length < 0)
			return length == -EAGAIN ? STEP_WAIT : STEP_END;
	}
}

static enum step drain(struct flow *flow, struct peer *to)
{
	while (flow->piped) {
		ssize_t length;

		if (!to->writable)
			return STEP_WAIT;
		length = splice(flow->pipe[0], NULL, to->source.fd, NULL, flow->piped,
			SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
		if (length > 0) {
			flow->piped -= (size_t)length;
			peer_wrote(to);
		} else if (length < 0 && errno == EAGAIN)
			to->writable = false;
		else
			return STEP_END;
	}
	pipe_put(flow);
	return STEP_AGAIN;
}

/*
 * Reads where bytes can't be spliced. Splicing stops for good where urgent data begin
 * (Linux, tcp_read_sock()). recv(2) leaves them out, and goes on behind them. The site's
 * bytes are also read while they are watched.
 */
static enum step read_on(struct connection *connection, struct peer *from, size_t allowed)
{
	long length = from == &connection->relay.client
			      ? relay_read_client(&connection->relay)
			      : peer_read(from, allowed);

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

static enum step fill(struct connection *connection, struct flow *flow, struct peer *from)
{
	struct relay *relay = &connection->relay;
	enum direction direction = from == &relay->client ? UPLOAD : DOWNLOAD;
	size_t allowed = relay_ask(relay, direction, relay_read_size(relay));
	ssize_t length;

	if (!allowed)
		return STEP_WAIT;
	if (direction == DOWNLOAD && connection->tls.watched)
		return read_on(connection, from, allowed);
	if (!pipe_get(flow))
		return STEP_END;
	length = splice(from->source.fd, NULL, flow->pipe[1], NULL, allowed,
		SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	if (length > 0) {
		flow->piped = (size_t)length;
		relay_charge(relay, direction, flow->piped);
		/* Mostly the socket is empty now. If not, the loop tells at once. */
		from->readable = from->hung || flow->piped == allowed;
		return STEP_AGAIN;
	}
	pipe_put(flow);
	return length < 0 && errno != EAGAIN ? STEP_END
					     : read_on(connection, from, allowed);
}

/* A connection is not kept in TIME-WAIT here if the site has ended, or ends by itself. */
static void pass_end(struct connection *connection, const struct peer *to)
{
	struct proxy *proxy = connection->proxy;

	if (to == &connection->relay.upstream && !to->eof &&
		!closings_take(&proxy->relays.closings, loop_now(proxy->loop)))
		connection->tunnel.held = true;
	else
		shutdown(to->source.fd, SHUT_WR);
}

bool tunnel_tell_end(struct connection *connection)
{
	struct proxy *proxy = connection->proxy;

	if (connection->state != STATE_TUNNEL || !connection->tunnel.held ||
		!closings_take(&proxy->relays.closings, loop_now(proxy->loop)))
		return false;
	connection->tunnel.held = false;
	shutdown(connection->relay.upstream.source.fd, SHUT_WR);
	connection_enter(connection, STATE_TUNNEL);
	return true;
}

/* Bytes are passed on in the turn in which they came, if they can. */
static enum step run_flow(struct connection *connection, struct flow *flow,
	struct peer *from, struct peer *to)
{
	enum step step = flush(connection, from, to);

	if (step == STEP_AGAIN)
		step = drain(flow, to);
	if (step != STEP_AGAIN || flow->finished)
		return step == STEP_AGAIN ? STEP_WAIT : step;
	if (!from->eof && !from->readable)
		return from->error ? STEP_END : STEP_WAIT;
	if (!from->eof)
		step = fill(connection, flow, from);
	if (step == STEP_AGAIN)
		step = drain(flow, to);
	if (step == STEP_AGAIN && from->eof) {
		flow->finished = true;
		pass_end(connection, to);
	}
	return step;
}

enum step tunnel_step(struct connection *connection)
{
	struct peer *client = &connection->relay.client,
		    *upstream = &connection->relay.upstream;
	enum step up = run_flow(connection, &connection->tunnel.up, client, upstream);
	enum step down;

	if (up == STEP_END)
		return STEP_END;
	down = run_flow(connection, &connection->tunnel.down, upstream, client);
	/*
	 * One direction has ended and the peer hung up, so the other direction can't go on.
	 */
	if (down == STEP_END ||
		(connection->tunnel.up.finished &&
			(connection->tunnel.down.finished || client->hung)) ||
		(connection->tunnel.down.finished && upstream->hung))
		return STEP_END;
	/* Give no more time once the time of the state is over. */
	if (connection->tunnel.held &&
		connection->deadline > loop_now(connection->proxy->loop) &&
		!relay_is_in_line(&connection->relay, DOWNLOAD) &&
		!connection->tunnel.down.piped)
		connection_give_time(connection, HELD_PATIENCE);
	return up == STEP_AGAIN || down == STEP_AGAIN ? STEP_AGAIN : STEP_WAIT;
}
