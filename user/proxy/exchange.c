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
	struct http *http = &connection->http;
	struct peer *upstream = &connection->relay.upstream;

	http->response_began = false;
	http->request_cut = false;
	http->irregular = false;
	http->answered = false;
	http->site_keeps = false;
	attempt_note_site(connection, http->site_used);
	http->heard = upstream->heard;
	http->response = (struct http_body){};
	http->response_scanned = 0;
	connection_enter(connection, STATE_EXCHANGE);
	if (!http->site_used) {
		buffer_put(&upstream->out);
		upstream->out = http->pending;
		http->pending = NULL;
		return;
	}
	/* Keep the head, in case the upstream has gone. */
	buffer_append(upstream->out, http->pending->bytes, http->pending->end);
}

static enum step bad_gateway(
	struct connection *connection, enum site_failure failure, const char *explanation)
{
	const struct refusal_text text = { .status = 502,
		.failure = failure,
		.name = connection->host.name,
		.port = connection->port,
		.explanation = explanation,
		.without_body = connection->http.asked.head };

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
	length = relay_splice(relay, direction,
		up ? &connection->tunnel.up : &connection->tunnel.down, (size_t)most);
	if (length > 0)
		http_body_pass(body, (size_t)length);
	return length == -ENOBUFS ? -ENODATA : length;
}

/* Reads a part of the body of the request. Returns as peer_read(). */
static long read_request(struct connection *connection)
{
	struct relay *relay = &connection->relay;
	long length;

	if (connection->tunnel.up.piped || relay_is_full(relay, &relay->upstream))
		return -EAGAIN;
	length = splice_body(connection, &connection->http.request, UPLOAD);
	return length == -ENODATA ? relay_read_client(relay) : length;
}

/* Writes a part of the request. Returns as peer_write(). */
static long write_request(struct connection *connection)
{
	struct flow *up = &connection->tunnel.up;
	size_t before = up->piped;
	int error;

	if (connection->relay.upstream.out)
		return relay_write_upstream(&connection->relay);
	error = relay_drain(&connection->relay, UPLOAD, up);
	return before != up->piped ? (long)(before - up->piped) : error;
}

/* Returns STEP_AGAIN if something moved. */
static enum step send_request(struct connection *connection)
{
	struct http *http = &connection->http;
	struct peer *client = &connection->relay.client,
		    *upstream = &connection->relay.upstream;
	bool moved = false;
	long length;

	if (!http->request.complete && !http->request_cut) {
		int error = 0;

		length = client->in ? 0 : read_request(connection);
		if (client->in)
			error = move(&http->request, client, upstream, &moved);
		if (error) {
			if (error == -ENOMEM || http->response_began)
				return STEP_END;
			const struct refusal_text text = { .status = 400,
				.reason = REASON_PROTOCOL,
				.explanation = "the body of the request is malformed" };

			return connection_refuse(connection, &text);
		}
		if (client->eof && !client->in && !http->request.complete)
			return STEP_END;
		if (length < 0 && length != -EAGAIN)
			return STEP_END;
	}
	if (!upstream->out && !connection->tunnel.up.piped)
		return moved ? STEP_AGAIN : STEP_WAIT;
	length = write_request(connection);
	if (length > 0) {
		moved = true;
	} else if (length != -EAGAIN) {
		/* A response may still be on its way. */
		http->request_cut = true;
		buffer_put(&upstream->out);
		relay_drop(&connection->relay, UPLOAD, &connection->tunnel.up);
		upstream->readable = true;
	}
	return moved ? STEP_AGAIN : STEP_WAIT;
}

static enum step change_to_websocket(
	struct connection *connection, const struct http_head *head)
{
	struct http *http = &connection->http;
	struct buffer *out = peer_out(&connection->relay.client);

	/*
	 * A mere status 101 may be one that the job talked the site into. The site then
	 * goes on reading requests. The same holds for a head that not every reader reads
	 * alike.
	 */
	if (!http->asked.websocket || !head->websocket || head->irregular ||
		http->irregular)
		return bad_gateway(connection, SITE_UPGRADE,
			"the site changed the protocol otherwise than it was asked");
	if (!out || !http_response_write(head, &http->asked, true, out))
		return STEP_END;
	statistics_answer(head->status);
	connection_time(connection, &statistics->first_byte);
	buffer_put(&http->pending);
	attempt_note_answer(connection, head->status);
	tunnel_begin(connection);
	return STEP_AGAIN;
}

/* A site may answer before it has read all of the request, and still want the rest. */
static bool is_sent(const struct connection *connection)
{
	return connection->http.request_cut ||
	       (connection->http.request.complete && !connection->relay.upstream.out &&
		       !connection->tunnel.up.piped);
}

static bool is_early(const struct connection *connection)
{
	return !is_sent(connection) ||
	       (connection->http.request.framing != FRAMING_NONE &&
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
	struct http *http = &connection->http;
	enum http_framing framing = http_response_framing(head, &http->asked);
	struct http_asked *asked = &http->asked;
	bool interim = head->status < 200;
	struct buffer *out;

	http->irregular |= head->irregular || http_response_misleads(head);
	/* HTTP/1.0 has no interim responses (RFC 9110 section 15.2). */
	if (interim && asked->old)
		return ++asked->kept_back <= KEPT_BACK_MAX
			       ? STEP_AGAIN
			       : bad_gateway(connection, SITE_MALFORMED,
					 "too many interim responses");
	out = peer_out(&connection->relay.client);
	if (!interim) {
		http->site_keeps =
			head->keep_alive && framing != FRAMING_CLOSE && !http->irregular;
		http->rest_unwanted = !http->site_keeps && !asked->last;
		http->site_keeps &= !asked->last;
		/*
		 * Some sites know a client by its connection, once it has logged in there.
		 * An HTTP/1.0 site may keep connections in its own way.
		 */
		http->site_private |= asked->login || asked->websocket || !head->minor ||
				      http_head_logs_in(head);
		http->early = is_early(connection);
		attempt_note_answer(connection, head->status);
		asked->keep = asked->keep && framing != FRAMING_CLOSE &&
			      !(framing == FRAMING_CHUNKED && asked->old);
		http_body_begin_answer(
			&http->response, framing, head->content_length, !asked->old);
		http->response_began = true;
		buffer_put(&http->pending);
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
	int length = http_answer_find(
		bytes, buffer_length(in), &connection->http.response_scanned);
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
	connection->http.response_scanned = 0;
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
	struct http *http = &connection->http;

	if (http->response_began && http->response.framing == FRAMING_CLOSE &&
		connection->relay.upstream.eof && !connection->relay.upstream.reset) {
		http->response.complete = true;
		return STEP_AGAIN;
	}
	if (http->response_began)
		return abandon(connection);
	/*
	 * The site may have closed an idle connection when the request came (RFC 9110
	 * section 9.2.2). It gets the head again, but on a connection of its own.
	 */
	if (http->pending && connection->relay.upstream.heard == http->heard) {
		relay_charge(&connection->relay, UPLOAD, buffer_length(http->pending));
		http->repeatable = false;
		connection_close_upstream(connection);
		connection_resolve(connection);
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

	if (connection->http.response_began) {
		if (relay->upstream.in || connection->tunnel.down.piped ||
			relay_is_full(relay, &relay->client))
			return -EAGAIN;
		length = splice_body(connection, &connection->http.response, DOWNLOAD);
	}
	return length == -ENODATA ? relay_read_upstream(relay) : length;
}

static enum step receive_response(struct connection *connection)
{
	struct http *http = &connection->http;
	struct peer *client = &connection->relay.client,
		    *upstream = &connection->relay.upstream;
	bool moved = false;
	long length = read_response(connection);

	if (length == -ENOMEM)
		return STEP_END;
	if (upstream->in && !http->response_began) {
		enum step step = read_head(connection);

		if (step == STEP_END || connection->state != STATE_EXCHANGE)
			return step;
		moved = step == STEP_AGAIN;
	}
	/* What came after the head leaves together with it. */
	if (upstream->in && http->response_began &&
		move(&http->response, upstream, client, &moved))
		return abandon(connection);
	if (moved || length > 0)
		return STEP_AGAIN;
	/* Bytes that can't move yet, or never will, are still in the buffer. */
	if (upstream->in && http->response_began)
		return STEP_WAIT;
	if (upstream->eof || (length < 0 && length != -EAGAIN))
		return client->out || connection->tunnel.down.piped
			       ? STEP_WAIT
			       : upstream_ended(connection);
	return STEP_WAIT;
}

static enum step finish(struct connection *connection)
{
	struct http *http = &connection->http;
	/*
	 * Neither connection has a clear state any more in two cases. There is more than
	 * the response, or the site did not take the whole request.
	 */
	bool clean = !peer_unread(&connection->relay.upstream) && !http->request_cut &&
		     is_sent(connection);

	connection_time(connection, &statistics->duration);
	attempt_end(connection);
	http->answered = clean && !http->early;
	http->site_keeps &= http->answered;
	/* Close an upstream that is of no more use. The site may end it first. */
	if (!clean || http->irregular || http->response.irregular)
		connection_close_upstream(connection);
	http->site_used = true;
	connection_enter(
		connection, http->asked.keep && http->request.complete && !http->request_cut
				    ? STATE_HEAD
				    : STATE_ENDING);
	return STEP_AGAIN;
}

/* Writes a part of the response. Returns STEP_AGAIN if something moved. */
static enum step write_response(struct connection *connection)
{
	struct flow *down = &connection->tunnel.down;
	size_t before = down->piped;
	long length;

	if (connection->relay.client.out) {
		length = relay_write_client(&connection->relay);
	} else {
		length = relay_drain(&connection->relay, DOWNLOAD, down);
		if (before != down->piped)
			return STEP_AGAIN;
	}
	if (length < 0 && length != -EAGAIN)
		return STEP_END;
	return length > 0 ? STEP_AGAIN : STEP_WAIT;
}

enum step exchange_step(struct connection *connection)
{
	const struct http *http = &connection->http;
	enum step sent, received = STEP_WAIT, written;

	sent = send_request(connection);
	if (sent == STEP_END || connection->state != STATE_EXCHANGE)
		return sent;
	if (!http->response.complete || !http->response_began) {
		received = receive_response(connection);
		if (received == STEP_END || connection->state != STATE_EXCHANGE)
			return received;
	}
	written = write_response(connection);
	if (written == STEP_END)
		return STEP_END;
	if (http->response_began && http->response.complete &&
		!connection->tunnel.down.piped &&
		(is_sent(connection) || http->rest_unwanted ||
			connection_ends_response(connection) ||
			peer_read(&connection->relay.upstream, BUFFER_SIZE) != -EAGAIN))
		return finish(connection);
	return sent == STEP_AGAIN || received == STEP_AGAIN || written == STEP_AGAIN
		       ? STEP_AGAIN
		       : STEP_WAIT;
}
