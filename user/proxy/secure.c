// SPDX-License-Identifier: BSD-2-Clause
/*
 * The states CLIENT_TLS and SITE_TLS open the TLS of an intercepted domain. The proxy takes
 * itself for the site towards the client, with a certificate of the job's authority. For
 * each request it is a client of the site. In between there is plain HTTP, so all that
 * holds for requests holds for these.
 */

#include <errno.h>
#include <string.h>

#include "proxy/client_hello.h"
#include "proxy/connection.h"

enum step secure_client(struct connection *connection)
{
	struct proxy *proxy = connection->proxy;
	struct peer *client = &connection->relay.client;
	struct tls_end *end;

	if (!hello_offers_http1(buffer_unread(client->in), connection->handshake.hello))
		return connection_alert(connection, TLS_NO_APPLICATION_PROTOCOL,
			REASON_HTTP2, connection->host.name);
	end = proxy->tls->serve(proxy->tls_state, &connection->host);
	if (!end)
		return connection_alert(connection, TLS_INTERNAL_ERROR, 0, NULL);
	peer_secure(client, end);
	connection->secure = true;
	connection_enter(connection, STATE_CLIENT_TLS);
	return STEP_AGAIN;
}

/* Requests follow, and each has a line in the log. Those of other hosts are refused. */
static enum step begin_requests(struct connection *connection)
{
	connection->connect = false;
	connection->host_fixed = true;
	connection->attempt.open = false;
	connection_enter(connection, STATE_HEAD);
	return STEP_AGAIN;
}

static enum step fail_client(struct connection *connection)
{
	const struct tls_end *end = connection->relay.client.tls;

	connection_trace(connection, "%s", end->detail);
	connection->attempt.detail =
		end->problem == TLS_UNTRUSTED
			? "the client does not trust the authority of the job"
			: "TLS with the client failed";
	attempt_end(connection);
	/* An alert may still be on its way. */
	connection_enter(connection, STATE_ENDING);
	return STEP_AGAIN;
}

enum step client_tls_step(struct connection *connection)
{
	struct peer *client = &connection->relay.client;
	enum step step = connection_flush_client(connection);
	long length;

	if (step != STEP_AGAIN)
		return step;
	if (client->tls->ready)
		return begin_requests(connection);
	length = relay_read_client(&connection->relay);
	if (client->tls->problem)
		return fail_client(connection);
	if (length > 0 || client->out || client->tls->ready)
		return STEP_AGAIN;
	return length == -EAGAIN && !client->eof && !client->hung ? STEP_WAIT : STEP_END;
}

void secure_site(struct connection *connection)
{
	struct proxy *proxy = connection->proxy;
	struct tls_end *end = proxy->tls->reach(proxy->tls_state, &connection->host);

	connection_enter(connection, STATE_SITE_TLS);
	/* Without memory the client waits until the time of the state is over. */
	if (end)
		peer_secure(&connection->relay.upstream, end);
}

static enum step fail_site(struct connection *connection)
{
	const struct tls_end *end = connection->relay.upstream.tls;
	const struct http_asked *asked = &connection->request.asked;
	char explanation[TLS_DETAIL_SIZE] = "the site ended TLS before it was begun";
	struct refusal_text text = { .status = 502,
		.failure = SITE_TLS,
		.name = connection->host.name,
		.port = connection->port,
		.explanation = explanation,
		.without_body = asked->head,
		.keep = asked->keep && !asked->old && connection->request.body.complete };

	if (end->problem == TLS_BAD_CERTIFICATE)
		text.failure = SITE_CERTIFICATE;
	/* The end of TLS is gone when the refusal is written. */
	if (end->problem)
		memcpy(explanation, end->detail, sizeof(explanation));
	/* Its last word to the site is an alert that says what is wrong. */
	(void)relay_flush_upstream(&connection->relay);
	return connection_refuse(connection, &text);
}

enum step site_tls_step(struct connection *connection)
{
	struct peer *upstream = &connection->relay.upstream;
	long length;
	int error;

	if (!upstream->tls)
		return STEP_WAIT;
	length = relay_read_upstream(&connection->relay);
	if (upstream->tls->problem || upstream->eof ||
		(length < 0 && length != -EAGAIN && length != -ENOBUFS))
		return fail_site(connection);
	error = relay_flush_upstream(&connection->relay);
	if (error && error != -EAGAIN)
		return fail_site(connection);
	if (upstream->tls->ready && !error) {
		exchange_begin(connection);
		return STEP_AGAIN;
	}
	return length > 0 ? STEP_AGAIN : STEP_WAIT;
}
