// SPDX-License-Identifier: BSD-2-Clause
/*
 * The state EXCHANGE: the request goes up and the response comes down at the same time, each through one buffer of its
 * own, so a slow end slows the other down and nothing grows.
 */

#include <errno.h>

#include "lib/cleanup.h"
#include "proxy/connection.h"
#include "proxy/http_answer.h"

#define KEPT_BACK_MAX 16 /* interim responses before one that goes on */

static const char response_too_long[] =
	"the head of the response is too long, or has too many fields";

static struct http_head head;

void exchange_begin(struct connection *connection)
{
	struct peer *upstream = &connection->upstream;

	connection->response_began = false;
	connection->request_cut = false;
	connection->irregular = false;
	connection->answered = false;
	connection->response = (struct http_body){};
	connection->response_scanned = 0;
	connection_enter(connection, STATE_EXCHANGE);
	if (!connection->upstream_used) {
		buffer_put(&upstream->out);
		upstream->out = connection->pending;
		connection->pending = NULL;
		return;
	}
	/* Kept, should the upstream turn out to have gone. */
	buffer_append(upstream->out, connection->pending->bytes, connection->pending->end);
}

static enum step bad_gateway(struct connection *connection, const char *explanation)
{
	const struct refusal_text text = { .status = 502,
		.name = connection->host.name,
		.explanation = explanation,
		.without_body = connection->asked.head };

	return connection_refuse(connection, &text);
}

/* What was promised can't be kept: the client sees its connection end early. */
static enum step abandon(struct connection *connection)
{
	if (connection_ends_response(connection))
		return STEP_END;
	upstream_close(connection);
	connection_enter(connection, STATE_ENDING);
	return STEP_AGAIN;
}

/* Moves body bytes from one end to the other. Returns as http_body_move(), `*moved` is set if any did. */
static int move(struct http_body *body, struct peer *from, struct peer *to, bool *moved)
{
	struct buffer *out;
	size_t before;
	int error;

	if (!to->out && http_body_pass(body, buffer_length(from->in))) {
		to->out = TAKE_POINTER(from->in);
		*moved = true;
		return 0;
	}
	out = peer_out(to);
	if (!out)
		return -ENOMEM;
	if (buffer_space(out) < BUFFER_SIZE / 2)
		buffer_compact(out);
	before = buffer_length(from->in);
	error = http_body_move(body, from->in, out);
	*moved |= before != buffer_length(from->in) || body->complete;
	if (!buffer_length(from->in))
		buffer_put(&from->in);
	if (!buffer_length(out))
		buffer_put(&to->out);
	return error;
}

/* Whether enough waits to be written to it. */
static bool is_full(const struct connection *connection, const struct peer *to)
{
	return buffer_length(to->out) >= queues_piece(connection->share);
}

/* Returns STEP_AGAIN where something moved. */
static enum step send_request(struct connection *connection)
{
	struct peer *client = &connection->client, *upstream = &connection->upstream;
	bool moved = false;
	long length;

	if (!connection->request.complete && !connection->request_cut) {
		int error = 0;

		length = client->in			 ? 0
			 : is_full(connection, upstream) ? -EAGAIN
							 : client_read(connection);
		if (client->in)
			error = move(&connection->request, client, upstream, &moved);
		if (error) {
			if (error == -ENOMEM || connection->response_began)
				return STEP_END;
			const struct refusal_text text = { .status = 400,
				.reason = REASON_PROTOCOL,
				.explanation = "the body of the request is malformed" };

			return connection_refuse(connection, &text);
		}
		if (client->eof && !client->in && !connection->request.complete)
			return STEP_END;
		if (length < 0 && length != -EAGAIN)
			return STEP_END;
	}
	if (!upstream->out)
		return moved ? STEP_AGAIN : STEP_WAIT;
	length = peer_write(upstream, BUFFER_SIZE);
	if (length > 0) {
		bandwidth_count_moved(connection, (size_t)length);
		moved = true;
	} else if (length != -EAGAIN) {
		/* A response may be on its way all the same. */
		connection->request_cut = true;
		buffer_put(&upstream->out);
		upstream->readable = true;
	}
	return moved ? STEP_AGAIN : STEP_WAIT;
}

static enum step change_to_websocket(struct connection *connection)
{
	struct buffer *out = peer_out(&connection->client);

	/* A mere status 101 may be one that the site was talked into; then it goes on reading requests. So may be one
	 * that not every reader reads alike. */
	if (!connection->asked.websocket || !head.websocket || head.irregular ||
		connection->irregular)
		return bad_gateway(connection,
			"the site changed the protocol otherwise than it was asked");
	if (!out || !http_response_write(&head, &connection->asked, true, out))
		return STEP_END;
	buffer_put(&connection->pending);
	tunnel_begin(connection);
	return STEP_AGAIN;
}

/* A site may answer before it has read all of the request, and want the rest all the same. */
static bool is_sent(const struct connection *connection)
{
	return connection->request_cut ||
	       (connection->request.complete && !connection->upstream.out);
}

static bool is_early(const struct connection *connection)
{
	return !is_sent(connection) ||
	       (connection->request.framing != FRAMING_NONE &&
		       !closing_is_acknowledged(connection->upstream.source.fd));
}

static enum step begin_response(struct connection *connection)
{
	enum http_framing framing = http_response_framing(&head, &connection->asked);
	struct http_asked *asked = &connection->asked;
	bool interim = head.status < 200;
	struct buffer *out;

	connection->irregular |= head.irregular;
	/* HTTP/1.0 has none of these (RFC 9110 section 15.2). */
	if (interim && asked->old)
		return ++asked->kept_back <= KEPT_BACK_MAX
			       ? STEP_AGAIN
			       : bad_gateway(connection, "too many interim responses");
	out = peer_out(&connection->client);
	if (!interim) {
		connection->upstream_keep = head.keep_alive && framing != FRAMING_CLOSE &&
					    !connection->irregular;
		connection->rest_unwanted = !connection->upstream_keep && !asked->last;
		connection->upstream_keep &= !asked->last;
		connection->early = is_early(connection);
		asked->keep = asked->keep && framing != FRAMING_CLOSE &&
			      !(framing == FRAMING_CHUNKED && asked->old);
		http_body_begin_answer(
			&connection->response, framing, head.content_length, !asked->old);
		connection->response_began = true;
		buffer_put(&connection->pending);
		if (connection_ends_response(connection))
			connection_reset_at_end(connection, true);
	}
	if (out && http_response_write(&head, asked, asked->keep, out))
		return STEP_AGAIN;
	/* Behind a part of it the refusal would be one of its fields. */
	buffer_put(&connection->client.out);
	return out ? bad_gateway(connection, response_too_long) : STEP_END;
}

static enum step read_head(struct connection *connection)
{
	struct buffer *in = connection->upstream.in;
	char *bytes = in->bytes + in->start;
	int length =
		http_answer_find(bytes, buffer_length(in), &connection->response_scanned);
	enum step step;
	int error;

	/* Interim responses may come faster than the client takes them. */
	if (length > 0 && connection->client.out)
		return STEP_WAIT;
	if (length == 0 && buffer_length(in) < BUFFER_SIZE)
		return STEP_WAIT;
	error = length > 0 ? http_answer_parse(bytes, (size_t)length, &head)
			   : -(length ? EBADMSG : E2BIG);
	if (error)
		return bad_gateway(connection,
			error == -E2BIG ? response_too_long
					: "the response of the site is malformed");
	connection->response_scanned = 0;
	step = head.status == 101 ? change_to_websocket(connection)
				  : begin_response(connection);
	if (connection->upstream.in) {
		in->start += (size_t)length;
		if (!buffer_length(in))
			buffer_put(&connection->upstream.in);
	}
	return step;
}

/* The upstream is gone before the response was whole. */
static enum step upstream_ended(struct connection *connection)
{
	if (connection->response_began && connection->response.framing == FRAMING_CLOSE &&
		connection->upstream.eof && !connection->upstream.reset) {
		connection->response.complete = true;
		return STEP_AGAIN;
	}
	if (connection->response_began)
		return abandon(connection);
	if (connection->pending) {
		/* The site gets it again. */
		bandwidth_spend(connection, UPLOAD, buffer_length(connection->pending));
		upstream_close(connection);
		connection_resolve(connection);
		return STEP_AGAIN;
	}
	return bad_gateway(connection, "the site closed the connection without an answer");
}

static enum step receive_response(struct connection *connection)
{
	struct peer *client = &connection->client, *upstream = &connection->upstream;
	bool moved = false;
	long length =
		connection->response_began && (upstream->in || is_full(connection, client))
			? -EAGAIN
			: upstream_read(connection);

	if (length == -ENOMEM)
		return STEP_END;
	if (upstream->in && !connection->response_began) {
		enum step step = read_head(connection);

		if (step != STEP_WAIT)
			return step;
	}
	if (upstream->in && connection->response_began &&
		move(&connection->response, upstream, client, &moved))
		return abandon(connection);
	if (moved || length > 0)
		return STEP_AGAIN;
	/* Bytes that can't move yet, or never will, are still there. */
	if (upstream->in && connection->response_began)
		return STEP_WAIT;
	if (upstream->eof || (length < 0 && length != -EAGAIN))
		return client->out ? STEP_WAIT : upstream_ended(connection);
	return STEP_WAIT;
}

static enum step finish(struct connection *connection)
{
	/* More than the response, or a request that nobody took to its end: neither connection has a clear
	 * state any more. */
	bool clean =
		!connection->upstream.in && !connection->request_cut && is_sent(connection);

	connection->answered = clean && !connection->early;
	/* One that is of no more use is the site's to close. */
	if (!clean || connection->irregular || connection->response.irregular)
		upstream_close(connection);
	connection->upstream_used = true;
	connection_enter(connection, connection->asked.keep &&
						     connection->request.complete &&
						     !connection->request_cut
					     ? STATE_HEAD
					     : STATE_ENDING);
	return STEP_AGAIN;
}

enum step exchange_step(struct connection *connection)
{
	enum step sent, received = STEP_WAIT, written = STEP_WAIT;

	sent = send_request(connection);
	if (sent == STEP_END || connection->state != STATE_EXCHANGE)
		return sent;
	if (!connection->response.complete || !connection->response_began) {
		received = receive_response(connection);
		if (received == STEP_END || connection->state != STATE_EXCHANGE)
			return received;
	}
	if (connection->client.out) {
		long length = client_write(connection);

		if (length < 0 && length != -EAGAIN)
			return STEP_END;
		written = length > 0 ? STEP_AGAIN : STEP_WAIT;
	}
	if (connection->response_began && connection->response.complete &&
		(is_sent(connection) || connection->rest_unwanted ||
			connection_ends_response(connection) ||
			peer_read(&connection->upstream, BUFFER_SIZE) != -EAGAIN))
		return finish(connection);
	return sent == STEP_AGAIN || received == STEP_AGAIN || written == STEP_AGAIN
		       ? STEP_AGAIN
		       : STEP_WAIT;
}
