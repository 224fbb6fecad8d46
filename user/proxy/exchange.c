// SPDX-License-Identifier: BSD-2-Clause
/*
 * The state EXCHANGE sends the request up and the response down at the same time. Each goes
 * through one buffer of its own. So a slow end slows the other down, and nothing grows.
 *
 * The middle of a long body is spliced, if its end is known without reading it. A direction
 * has bytes either in its pipe or in its buffers, so they keep their order.
 */

#include <errno.h>

#include "lib/cleanup.h"
#include "proxy/connection.h"
#include "proxy/http_answer.h"

#define KEPT_BACK_MAX 16 /* interim responses that are kept back */

static const char response_too_long[] =
	"the head of the response is too long, or has too many fields";

void exchange_begin(struct connection *connection)
{
	struct peer *upstream = &connection->relay.upstream;

	connection->request.cut = false;
	connection->response = (struct response){};
	connection->site.answered = false;
	connection->site.keeps = false;
	connection->site.heard = upstream->heard;
	attempt_note_site(connection, connection->site.used);
	connection_enter(connection, STATE_EXCHANGE);
	if (!connection->site.used) {
		buffer_put(&upstream->out);
		upstream->out = TAKE_POINTER(connection->request.head);
		return;
	}
	/* Keep the head, in case the upstream has gone. */
	buffer_append(upstream->out, connection->request.head->bytes,
		connection->request.head->end);
}

static enum step bad_gateway(
	struct connection *connection, enum site_failure failure, const char *explanation)
{
	const struct refusal_text text = { .status = 502,
		.failure = failure,
		.name = connection->host.name,
		.port = connection->port,
		.explanation = explanation,
		.without_body = connection->request.asked.head };

	return connection_refuse(connection, &text);
}

/* The proxy can't keep what the head promised. The client sees its connection end early. */
static enum step abandon(struct connection *connection)
{
	connection->attempt.detail = "the site broke its answer off";
	attempt_end(connection);
	if (connection_ends_response(connection))
		return STEP_END;
	connection_close_upstream(connection);
	connection_enter(connection, STATE_ENDING);
	return STEP_AGAIN;
}

/*
 * Moves body bytes from one end to the other. Returns as http_body_move(). `*moved` is set
 * if any byte moved.
 */
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
	peer_put_out(to);
	return error;
}

/*
 * Splices a part of a body into the pipe of its flow, while no byte of it is in a buffer.
 * Returns as relay_splice(), or -ENODATA if the buffers have to be used.
 */
static long splice_body(
	struct connection *connection, struct http_body *body, enum direction direction)
{
	struct relay *relay = &connection->relay;
	bool up = direction == UPLOAD;
	const struct peer *from = up ? &relay->client : &relay->upstream,
			  *to = up ? &relay->upstream : &relay->client;
	uint64_t most = http_body_spliceable(body);
	long length;

	if (!most || from->in || to->out || from->tls || to->tls)
		return -ENODATA;
	if (most > relay_read_size(relay))
		most = relay_read_size(relay);
	length = relay_splice(relay, direction, (size_t)most);
	if (length > 0)
		http_body_pass(body, (size_t)length);
	return length == -ENOBUFS ? -ENODATA : length;
}

/* Reads a part of the body of the request. Returns as peer_read(). */
static long read_request(struct connection *connection)
{
	struct relay *relay = &connection->relay;
	long length;

	if (relay->flow[UPLOAD].piped || relay_is_full(relay, &relay->upstream))
		return -EAGAIN;
	length = splice_body(connection, &connection->request.body, UPLOAD);
	return length == -ENODATA ? relay_read_client(relay) : length;
}

/* Writes a part of the request. Returns as peer_write(). */
static long write_request(struct connection *connection)
{
	struct relay *relay = &connection->relay;
	size_t before = relay->flow[UPLOAD].piped, left;
	int error;

	if (relay->upstream.out)
		return relay_write_upstream(relay);
	error = relay_drain(relay, UPLOAD);
	left = relay->flow[UPLOAD].piped;
	return before != left ? (long)(before - left) : error;
}

/* Returns STEP_AGAIN if something moved. */
static enum step send_request(struct connection *connection)
{
	struct peer *client = &connection->relay.client,
		    *upstream = &connection->relay.upstream;
	bool moved = false;
	long length;

	if (!connection->request.body.complete && !connection->request.cut) {
		int error = 0;

		length = client->in ? 0 : read_request(connection);
		if (client->in)
			error = move(&connection->request.body, client, upstream, &moved);
		if (error) {
			if (error == -ENOMEM || connection->response.began)
				return STEP_END;
			const struct refusal_text text = { .status = 400,
				.reason = REASON_PROTOCOL,
				.explanation = "the body of the request is malformed" };

			return connection_refuse(connection, &text);
		}
		if (client->eof && !client->in && !connection->request.body.complete)
			return STEP_END;
		if (length < 0 && length != -EAGAIN)
			return STEP_END;
	}
	if (!upstream->out && !connection->relay.flow[UPLOAD].piped)
		return moved ? STEP_AGAIN : STEP_WAIT;
	length = write_request(connection);
	if (length > 0) {
		moved = true;
	} else if (length != -EAGAIN) {
		/* A response may still be on its way. */
		connection->request.cut = true;
		buffer_put(&upstream->out);
		relay_drop(&connection->relay, UPLOAD);
		upstream->readable = true;
	}
	return moved ? STEP_AGAIN : STEP_WAIT;
}

static enum step change_to_websocket(
	struct connection *connection, const struct http_head *head)
{
	struct buffer *out = peer_out(&connection->relay.client);

	/*
	 * A mere status 101 may be one that the job talked the site into. The site then
	 * goes on reading requests. The same holds for a head that not every reader reads
	 * alike.
	 */
	if (!connection->request.asked.websocket || !head->websocket || head->irregular ||
		connection->response.irregular)
		return bad_gateway(connection, SITE_UPGRADE,
			"the site changed the protocol otherwise than it was asked");
	if (!out || !http_response_write(head, &connection->request.asked, true, out))
		return STEP_END;
	statistics_answer(head->status);
	connection_time(connection, &statistics->first_byte);
	buffer_put(&connection->request.head);
	attempt_note_answer(connection, head->status);
	tunnel_begin(connection);
	return STEP_AGAIN;
}

/* A site may answer before it has read all of the request, and still want the rest. */
static bool is_sent(const struct connection *connection)
{
	return connection->request.cut ||
	       (connection->request.body.complete && !connection->relay.upstream.out &&
		       !connection->relay.flow[UPLOAD].piped);
}

static bool is_early(const struct connection *connection)
{
	return !is_sent(connection) ||
	       (connection->request.body.framing != FRAMING_NONE &&
		       !closing_is_acknowledged(connection->relay.upstream.source.fd));
}

/* Counts a response that is passed on, if it is not an interim one. */
static void count_response(const struct connection *connection, unsigned status)
{
	if (status < 200)
		return;
	statistics_answer(status);
	connection_time(connection, &statistics->first_byte);
}

static enum step begin_response(struct connection *connection, const struct http_head *head)
{
	enum http_framing framing = http_response_framing(head, &connection->request.asked);
	struct http_asked *asked = &connection->request.asked;
	bool interim = head->status < 200;
	struct buffer *out;

	connection->response.irregular |= head->irregular || http_response_misleads(head);
	/* HTTP/1.0 has no interim responses (RFC 9110 section 15.2). */
	if (interim && asked->old)
		return ++asked->kept_back <= KEPT_BACK_MAX
			       ? STEP_AGAIN
			       : bad_gateway(connection, SITE_MALFORMED,
					 "too many interim responses");
	out = peer_out(&connection->relay.client);
	if (!interim) {
		connection->site.keeps = head->keep_alive && framing != FRAMING_CLOSE &&
					 !connection->response.irregular;
		connection->request.unwanted = !connection->site.keeps && !asked->last;
		connection->site.keeps &= !asked->last;
		/*
		 * Some sites know a client by its connection, once it has logged in there.
		 * An HTTP/1.0 site may keep connections in its own way.
		 */
		connection->site.private |= asked->login || asked->websocket ||
					    !head->minor || http_head_logs_in(head);
		connection->response.early = is_early(connection);
		attempt_note_answer(connection, head->status);
		asked->keep = asked->keep && framing != FRAMING_CLOSE &&
			      !(framing == FRAMING_CHUNKED && asked->old);
		http_body_begin_answer(&connection->response.body, framing,
			head->content_length, !asked->old);
		connection->response.began = true;
		buffer_put(&connection->request.head);
		if (connection_ends_response(connection))
			connection_reset_at_end(connection, true);
	}
	if (out && http_response_write(head, asked, asked->keep, out)) {
		count_response(connection, head->status);
		return STEP_AGAIN;
	}
	/* Behind a part of the head, the refusal would be one of its fields. */
	buffer_put(&connection->relay.client.out);
	return out ? bad_gateway(connection, SITE_LONG_HEAD, response_too_long) : STEP_END;
}

static enum step read_head(struct connection *connection)
{
	struct buffer *in = connection->relay.upstream.in;
	struct http_head head;
	char *bytes = in->bytes + in->start;
	int length =
		http_answer_find(bytes, buffer_length(in), &connection->response.scanned);
	enum step step;
	int error;

	/* Interim responses may come faster than the client takes them. */
	if (length > 0 && connection->relay.client.out)
		return STEP_WAIT;
	if (length == 0 && buffer_length(in) < BUFFER_SIZE)
		return STEP_WAIT;
	error = length > 0 ? http_answer_parse(bytes, (size_t)length, &head)
			   : -(length ? EBADMSG : E2BIG);
	if (error == -E2BIG)
		return bad_gateway(connection, SITE_LONG_HEAD, response_too_long);
	if (error)
		return bad_gateway(connection, SITE_MALFORMED,
			"the response of the site is malformed");
	connection->response.scanned = 0;
	step = head.status == 101 ? change_to_websocket(connection, &head)
				  : begin_response(connection, &head);
	if (connection->relay.upstream.in) {
		in->start += (size_t)length;
		if (!buffer_length(in))
			buffer_put(&connection->relay.upstream.in);
	}
	return step;
}

/* The upstream ended before the response was whole. */
static enum step upstream_ended(struct connection *connection)
{
	if (connection->response.began &&
		connection->response.body.framing == FRAMING_CLOSE &&
		connection->relay.upstream.eof && !connection->relay.upstream.reset) {
		connection->response.body.complete = true;
		return STEP_AGAIN;
	}
	if (connection->response.began)
		return abandon(connection);
	/*
	 * The site may have closed an idle connection when the request came (RFC 9110
	 * section 9.2.2). It gets the head again, but on a connection of its own.
	 */
	if (connection->request.head &&
		connection->relay.upstream.heard == connection->site.heard) {
		relay_charge(&connection->relay, UPLOAD,
			buffer_length(connection->request.head));
		connection->request.repeatable = false;
		connection_close_upstream(connection);
		reaching_resolve(connection);
		return STEP_AGAIN;
	}
	return bad_gateway(
		connection, SITE_CUT, "the site closed the connection without an answer");
}

/* Reads a part of the response. Returns as peer_read(). */
static long read_response(struct connection *connection)
{
	struct relay *relay = &connection->relay;
	long length = -ENODATA;

	if (connection->response.began) {
		if (relay->upstream.in || relay->flow[DOWNLOAD].piped ||
			relay_is_full(relay, &relay->client))
			return -EAGAIN;
		length = splice_body(connection, &connection->response.body, DOWNLOAD);
	}
	return length == -ENODATA ? relay_read_upstream(relay) : length;
}

static enum step receive_response(struct connection *connection)
{
	struct peer *client = &connection->relay.client,
		    *upstream = &connection->relay.upstream;
	bool moved = false;
	long length = read_response(connection);

	if (length == -ENOMEM)
		return STEP_END;
	if (upstream->in && !connection->response.began) {
		enum step step = read_head(connection);

		if (step == STEP_END || connection->state != STATE_EXCHANGE)
			return step;
		moved = step == STEP_AGAIN;
	}
	/* What came after the head leaves together with it. */
	if (upstream->in && connection->response.began &&
		move(&connection->response.body, upstream, client, &moved))
		return abandon(connection);
	if (moved || length > 0)
		return STEP_AGAIN;
	/* Bytes that can't move yet, or never will, are still in the buffer. */
	if (upstream->in && connection->response.began)
		return STEP_WAIT;
	if (upstream->eof || (length < 0 && length != -EAGAIN))
		return client->out || connection->relay.flow[DOWNLOAD].piped
			       ? STEP_WAIT
			       : upstream_ended(connection);
	return STEP_WAIT;
}

static enum step finish(struct connection *connection)
{
	/*
	 * Neither connection has a clear state any more in two cases. There is more than
	 * the response, or the site did not take the whole request.
	 */
	bool clean = !peer_unread(&connection->relay.upstream) &&
		     !connection->request.cut && is_sent(connection);

	connection_time(connection, &statistics->duration);
	attempt_end(connection);
	connection->site.answered = clean && !connection->response.early;
	connection->site.keeps &= connection->site.answered;
	/* Close an upstream that is of no more use. The site may end it first. */
	if (!clean || connection->response.irregular || connection->response.body.irregular)
		connection_close_upstream(connection);
	connection->site.used = true;
	connection_enter(connection, connection->request.asked.keep &&
						     connection->request.body.complete &&
						     !connection->request.cut
					     ? STATE_HEAD
					     : STATE_ENDING);
	return STEP_AGAIN;
}

/* Writes a part of the response. Returns STEP_AGAIN if something moved. */
static enum step write_response(struct connection *connection)
{
	struct relay *relay = &connection->relay;
	size_t before = relay->flow[DOWNLOAD].piped;
	long length;

	if (relay->client.out) {
		length = relay_write_client(relay);
	} else {
		length = relay_drain(relay, DOWNLOAD);
		if (before != relay->flow[DOWNLOAD].piped)
			return STEP_AGAIN;
	}
	if (length < 0 && length != -EAGAIN)
		return STEP_END;
	return length > 0 ? STEP_AGAIN : STEP_WAIT;
}

enum step exchange_step(struct connection *connection)
{
	enum step sent, received = STEP_WAIT, written;

	sent = send_request(connection);
	if (sent == STEP_END || connection->state != STATE_EXCHANGE)
		return sent;
	if (!connection->response.body.complete || !connection->response.began) {
		received = receive_response(connection);
		if (received == STEP_END || connection->state != STATE_EXCHANGE)
			return received;
	}
	written = write_response(connection);
	if (written == STEP_END)
		return STEP_END;
	if (connection->response.began && connection->response.body.complete &&
		!connection->relay.flow[DOWNLOAD].piped &&
		(is_sent(connection) || connection->request.unwanted ||
			connection_ends_response(connection) ||
			peer_read(&connection->relay.upstream, BUFFER_SIZE) != -EAGAIN))
		return finish(connection);
	return sent == STEP_AGAIN || received == STEP_AGAIN || written == STEP_AGAIN
		       ? STEP_AGAIN
		       : STEP_WAIT;
}
