// SPDX-License-Identifier: BSD-2-Clause
/*
 * The state ANSWER reads the first bytes of the site. The site may want a second
 * ClientHello. In TLS 1.2 and older it may resume a session. That session must have begun
 * under the same name at the same address, and sessions.h says why.
 */

#include <errno.h>
#include <sha2.h>
#include <string.h>

#include "lib/cleanup.h"
#include "proxy/client_hello.h"
#include "proxy/connection.h"

/*
 * Whether the client made the session id from its ticket, by SHA-256. OpenSSL and its
 * descendants do so. No server chose such an id.
 */
static bool follows_from_ticket(const struct hello_offer *offer)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	SHA2_CTX context;

	SHA256Init(&context);
	SHA256Update(&context, offer->ticket, offer->ticket_length);
	SHA256Final(digest, &context);
	return offer->id_length == sizeof(digest) &&
	       !memcmp(offer->id, digest, sizeof(digest));
}

static struct session_site site_at(
	const struct connection *connection, const struct address *address)
{
	return (struct session_site){ &connection->host, address };
}

/*
 * Marks the id and the ticket that a hello offers in order to resume a session at that
 * address.
 */
static void mark_offer(struct connection *connection, const struct hello_offer *offer,
	const struct address *address)
{
	const struct sessions *sessions = connection->proxy->sessions;
	struct session_site site = site_at(connection, address);
	uint64_t *offered = connection->handshake.offered;

	offered[SESSION_ID] = offer->ticket_length && follows_from_ticket(offer)
				      ? 0
				      : sessions_mark(sessions, site, SESSION_ID, offer->id,
						offer->id_length);
	for (int kind = SESSION_TICKET; kind < SESSION_KINDS; kind++)
		offered[kind] = sessions_mark(
			sessions, site, kind, offer->ticket, offer->ticket_length);
}

/*
 * Parses the hello that waits to be sent. A hello that can't be parsed offers no known
 * session.
 */
static bool parse_offer(struct connection *connection, struct hello_offer *offer)
{
	memset(connection->handshake.offered, 0, sizeof(connection->handshake.offered));
	return hello_parse_offer(buffer_unread(connection->relay.client.in),
		connection->handshake.hello, offer);
}

void answer_begin(struct connection *connection)
{
	struct buffer *in = connection->relay.client.in,
		      *out = peer_out(&connection->relay.upstream);
	struct hello_offer offer;

	connection_enter(connection, STATE_ANSWER);
	attempt_note_site(connection, false);
	/*
	 * Without memory the hello is not sent. The site waits until the time of ANSWER is
	 * over.
	 */
	if (!out || !buffer_append(out, buffer_unread(in), connection->handshake.hello))
		return;
	if (!connection->handshake.retried && parse_offer(connection, &offer))
		mark_offer(connection, &offer, dial_last(&connection->dial));
	in->start += connection->handshake.hello;
	if (!buffer_length(in))
		buffer_put(&connection->relay.client.in);
}

/*
 * Whether the session that a server resumed began under this name and at this address. If
 * so, `*kind` is the kind of mark that showed it.
 *
 * A client makes an id up beside its ticket. The server repeats the id to say that it took
 * the ticket (RFC 5077 section 3.4). But a server whose sessions have both may have taken
 * the id.
 */
static bool resumes_own(struct connection *connection, enum session_kind *kind)
{
	struct sessions *sessions = connection->proxy->sessions;
	const uint64_t *offered = connection->handshake.offered;

	*kind = SESSION_ID;
	if (!offered[SESSION_TICKET])
		return sessions_know(sessions, offered[SESSION_ID]);
	*kind = SESSION_TICKET;
	if (sessions_know(sessions, offered[SESSION_TICKET]))
		return true;
	*kind = SESSION_TICKET_BESIDE_ID;
	return sessions_know(sessions, offered[SESSION_TICKET_BESIDE_ID]) &&
	       (!offered[SESSION_ID] || sessions_know(sessions, offered[SESSION_ID]));
}

void answer_choose_address(struct connection *connection)
{
	struct dial *dial = &connection->dial;
	enum session_kind kind;
	struct hello_offer offer;

	if (dial->lookup.count < 2 || !parse_offer(connection, &offer))
		return;
	for (size_t i = 0; i < dial->lookup.count; i++) {
		mark_offer(connection, &offer, &dial->lookup.addresses[i]);
		if (resumes_own(connection, &kind)) {
			dial_prefer(dial, i);
			return;
		}
	}
}

void answer_watch(struct connection *connection, size_t length)
{
	const struct buffer *in = connection->relay.upstream.in;

	if (!connection->handshake.watched)
		return;
	connection->handshake.watched = ticket_watch_see(&connection->handshake.watch,
		(const unsigned char *)in->bytes + in->end - length, length);
	if (!connection->handshake.watched)
		sessions_keep(
			connection->proxy->sessions, connection->handshake.watch.mark);
}

/* Keeps the id of a new session. Returns the kind of the session's ticket. */
static enum session_kind keep_id(
	struct connection *connection, const struct server_hello *hello)
{
	struct sessions *sessions = connection->proxy->sessions;
	struct session_site site = site_at(connection, dial_last(&connection->dial));
	uint64_t id =
		sessions_mark(sessions, site, SESSION_ID, hello->id, hello->id_length);

	/* An id that the client offered was not chosen by the server. */
	if (id != connection->handshake.offered[SESSION_ID])
		sessions_keep(sessions, id);
	return id ? SESSION_TICKET_BESIDE_ID : SESSION_TICKET;
}

/* The site speaks TLS 1.2 or older. If it issues a ticket, the proxy keeps a mark of it. */
static void watch_begin(struct connection *connection, enum session_kind kind)
{
	struct siphash hash;

	sessions_begin_mark(connection->proxy->sessions,
		site_at(connection, dial_last(&connection->dial)), kind, &hash);
	ticket_watch_begin(&connection->handshake.watch, &hash);
	connection->handshake.watched = true;
	answer_watch(connection, buffer_length(connection->relay.upstream.in));
}

/* Acts on the first bytes of the site. */
static enum step with_answer(struct connection *connection, enum server_hello_result answer,
	const struct server_hello *hello)
{
	const char *name = connection->host.name;
	bool full = answer == SERVER_HELLO_FULL, resumed = answer == SERVER_HELLO_RESUMED;
	enum session_kind kind;

	/*
	 * A site that wanted a second hello speaks TLS 1.3. It may not want a third (RFC
	 * 8446 section 4.1.4).
	 */
	if (answer == SERVER_HELLO_BAD ||
		(connection->handshake.retried &&
			(full || resumed || answer == SERVER_HELLO_RETRY)))
		return connection_alert(
			connection, TLS_DECODE_ERROR, REASON_PROTOCOL, name);
	if (resumed && !resumes_own(connection, &kind))
		return connection_alert(
			connection, TLS_ACCESS_DENIED, REASON_SESSION, name);
	if (answer == SERVER_HELLO_RETRY) {
		connection->handshake.retried = true;
		connection->relay.client.out = TAKE_POINTER(connection->relay.upstream.in);
		connection_enter(connection, STATE_HELLO);
		return STEP_AGAIN;
	}
	attempt_note_answer(connection, connection->connect ? 200 : 0);
	if (full)
		kind = keep_id(connection, hello);
	/*
	 * The site may issue a ticket even for a session that has none. That ticket stands
	 * beside an id.
	 */
	if (full || resumed)
		watch_begin(
			connection, kind == SESSION_ID ? SESSION_TICKET_BESIDE_ID : kind);
	connection_time(connection, &statistics->first_byte);
	tunnel_begin(connection);
	return STEP_AGAIN;
}

enum step answer_step(struct connection *connection)
{
	struct peer *upstream = &connection->relay.upstream;
	enum server_hello_result answer = SERVER_HELLO_MORE;
	struct server_hello hello;
	long length;

	length = relay_flush_upstream(&connection->relay);
	if (length < 0)
		return length == -EAGAIN ? STEP_WAIT : STEP_END;
	length = peer_read(upstream, BUFFER_SIZE);
	if (upstream->in)
		answer = server_hello_parse(
			buffer_unread(upstream->in), buffer_length(upstream->in), &hello);
	if (answer != SERVER_HELLO_MORE)
		return with_answer(connection, answer, &hello);
	if (length > 0)
		return STEP_AGAIN;
	if (length == -EAGAIN && !upstream->eof)
		return STEP_WAIT;
	if (length < 0 && length != -EAGAIN) {
		statistics_add(&statistics->failures[CAUSE_ANSWER], 1);
		return connection_alert(connection, TLS_INTERNAL_ERROR, 0, NULL);
	}
	if (upstream->in)
		attempt_note_answer(connection, connection->connect ? 200 : 0);
	tunnel_begin(connection);
	return STEP_AGAIN;
}
