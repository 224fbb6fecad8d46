// SPDX-License-Identifier: BSD-2-Clause
/* The states RESOLVING and DIALLING: the site is looked up and connected. */

#include <errno.h>
#include <string.h>

#include "lib/cleanup.h"
#include "names/address.h"
#include "proxy/connection.h"

/* Why a site could not be connected, for people. */
static const char *dial_problem(int status)
{
	switch (status) {
	case -ECONNREFUSED:
		return "the site refused the connection";
	case -ENETUNREACH:
	case -EHOSTUNREACH:
		return "there is no route to the site";
	case -ETIMEDOUT:
		return "the site did not answer in time";
	case -EADDRNOTAVAIL:
		return "the node has no port left for the site";
	default:
		return "the site can't be reached";
	}
}

/* The same for programs. */
static enum site_failure dial_failure(const struct connection *connection, int status)
{
	if (connection->state == STATE_RESOLVING && !dial_last(&connection->dial))
		return status == -ETIMEDOUT ? SITE_NO_RESOLVER : SITE_NO_NAME;
	switch (status) {
	case -ECONNREFUSED:
		return SITE_CLOSED;
	case -ENETUNREACH:
	case -EHOSTUNREACH:
		return SITE_NO_ROUTE;
	case -ETIMEDOUT:
		return connection->state == STATE_EXCHANGE ? SITE_SLOW_ANSWER
							   : SITE_SLOW_CONNECT;
	case -EADDRNOTAVAIL:
		return SITE_NO_PORT;
	default:
		return SITE_UNREACHABLE;
	}
}

/*
 * Writes the address that was tried last, is connected, or may not be dialled. Returns it,
 * or NULL: there is none.
 */
static const char *dialled_address(
	const struct connection *connection, int status, char text[ADDRESS_TEXT_MAX])
{
	const struct dial *dial = &connection->dial;
	const struct address *address = dial_last(dial);

	if (!address && status == -EACCES && dial->lookup.count)
		address = dial->lookup.addresses;
	if (!address)
		return NULL;
	address_format(address, text);
	return text;
}

/*
 * What the fence refused, by the status of a dial. Returns false if it refused nothing. An
 * explanation is not about the name.
 */
static bool find_refusal(int status, struct refusal_text *text)
{
	static const struct {
		int status;
		unsigned http;
		enum reason reason;
		const char *explanation;
	} rows[] = {
		{ -EACCES, 403, REASON_ADDRESS, NULL },
		{ -EKEYREJECTED, 403, REASON_GUARD, NULL },
		{ -EBUSY, 503, REASON_LIMIT, "too many names are being looked up" },
		{ -EAGAIN, 503, REASON_LIMIT,
			"too many connections to sites are being made" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].status != status)
			continue;
		text->status = rows[i].http;
		text->reason = rows[i].reason;
		text->explanation = rows[i].explanation;
		if (text->explanation)
			text->name = NULL;
		return true;
	}
	return false;
}

/* Says what was refused, or why the site failed. The explanation may be in `lookup`. */
static void describe(const struct connection *connection, int status,
	struct refusal_text *text, char lookup[LOOKUP_TEXT_SIZE])
{
	if (find_refusal(status, text))
		return;
	text->failure = dial_failure(connection, status);
	text->explanation = connection->state == STATE_RESOLVING && !text->address
				    ? lookup_explain(&connection->dial.lookup, lookup)
				    : dial_problem(status);
}

static enum step refuse_dial(struct connection *connection, int status)
{
	char address[ADDRESS_TEXT_MAX], lookup[LOOKUP_TEXT_SIZE];
	const struct http_asked *asked = &connection->request.asked;
	struct refusal_text text = { .status = status == -ETIMEDOUT ? 504 : 502,
		.name = connection->host.name,
		.port = connection->port,
		.address = dialled_address(connection, status, address),
		.without_body = asked->head,
		.keep = asked->keep && !asked->old && connection->request.body.complete };

	describe(connection, status, &text, lookup);
	if (!connection->handshake.named)
		return connection_refuse(connection, &text);
	if (!text.reason)
		statistics_add(&statistics->failures[site_failure_cause(text.failure)], 1);
	connection->attempt.detail = text.explanation ? text.explanation : text.address;
	return connection_alert(connection,
		text.reason ? TLS_ACCESS_DENIED : TLS_INTERNAL_ERROR, text.reason,
		connection->host.name);
}

/* No address of the site could be connected. */
static enum step fail_dial(struct connection *connection, int status)
{
	struct proxy *proxy = connection->proxy;
	const struct address *address = dial_last(&connection->dial);

	if (address)
		resting_note(&proxy->resting, &connection->host, connection->port, status,
			address, loop_now(proxy->loop));
	return refuse_dial(connection, status);
}

/* TLS shows no requests, so it may not reach a guarded address, whatever its name. */
static bool is_guarded_tls(const struct connection *connection)
{
	const struct lookup *lookup = &connection->dial.lookup;

	if ((!connection->handshake.named && !connection->connect) ||
		rules_intercept(connection->proxy->rules, &connection->host))
		return false;
	for (size_t i = 0; i < lookup->count; i++)
		if (rules_guard_address(connection->proxy->rules, &lookup->addresses[i]))
			return true;
	return false;
}

enum step resolving_step(struct connection *connection)
{
	int status;

	if (!dial_has_ended(&connection->dial, &status))
		return STEP_WAIT;
	if (!status && is_guarded_tls(connection))
		status = -EKEYREJECTED;
	connection_trace(connection, "name %s: %s", connection->host.name,
		status ? strerror(-status) : "resolved");
	if (status)
		return refuse_dial(connection, status);
	if (!connection->connect || connection->handshake.named) {
		reaching_dial(connection);
		return STEP_AGAIN;
	}
	/*
	 * Without memory for the answer the client waits until the time of HELLO is over.
	 */
	connection_establish(connection);
	connection_enter(connection, STATE_HELLO);
	return STEP_AGAIN;
}

static void trace_dial(const struct connection *connection, int status)
{
	char text[ADDRESS_TEXT_MAX];
	const char *address;

	if (!connection->relay.all->limits->trace)
		return;
	address = dialled_address(connection, status, text);
	connection_trace(connection, "dial %s %s: %s", connection->host.name,
		address ? address : "-", status ? strerror(-status) : "connected");
}

static void upstream_ready(struct source *source, uint32_t events)
{
	struct connection *connection =
		container_of(source, struct connection, relay.upstream.source);

	if (connection->relay.upstream.connecting)
		dial_ready(&connection->dial);
	/* A site may have spoken already. The loop does not tell it again. */
	if (peer_is_open(&connection->relay.upstream) &&
		!connection->relay.upstream.connecting)
		relay_note_upstream(&connection->relay, events);
}

static bool may_take_idle(const struct connection *connection)
{
	return !connection->handshake.named && connection->request.repeatable;
}

/* Takes an idle upstream for the request, if it may go there and there is one. */
static bool take_idle(struct connection *connection)
{
	struct relay *relay = &connection->relay;
	const struct lookup *lookup = &connection->dial.lookup;
	const struct address *address;

	if (!may_take_idle(connection))
		return false;
	address = pool_take(&connection->proxy->pool, relay, &connection->host,
		connection->port, lookup->addresses, lookup->count, upstream_ready);
	if (!address)
		return false;
	if (!peer_out(&relay->upstream)) {
		relay_close_upstream(relay, true);
		return false;
	}
	connection_trace(connection, "upstream to %s taken", connection->host.name);
	connection->idle.address = *address;
	return true;
}

static bool wants_idle(const struct pool_waiter *waiter)
{
	return dial_is_waiting(&container_of(waiter, struct connection, waiter)->dial);
}

/*
 * Takes an idle upstream for a request whose turn to dial has not come. Without one the
 * relay is woken when there may be one.
 */
static bool take_instead(struct connection *connection)
{
	if (!dial_is_waiting(&connection->dial) || !may_take_idle(connection))
		return false;
	if (!take_idle(connection)) {
		connection->waiter.wants = wants_idle;
		connection->waiter.port = connection->port;
		pool_wait(&connection->proxy->pool, &connection->waiter);
		return false;
	}
	dial_cancel(&connection->dial);
	connection->site.used = true;
	exchange_begin(connection);
	return true;
}

enum step dialling_step(struct connection *connection)
{
	struct relay *relay = &connection->relay;
	int status;

	if (!dial_has_ended(&connection->dial, &status))
		return take_instead(connection) ? STEP_AGAIN : STEP_WAIT;
	trace_dial(connection, status);
	if (status)
		return fail_dial(connection, status);
	connection->idle.address = *dial_last(&connection->dial);
	window_limit_site(&relay->upstream, relay->window);
	resting_forget(&connection->proxy->resting, &connection->host, connection->port);
	if (connection->handshake.named)
		answer_begin(connection);
	else if (connection->secure)
		secure_site(connection);
	else
		exchange_begin(connection);
	return STEP_AGAIN;
}

enum step reaching_expire(struct connection *connection)
{
	connection->request.asked.keep = false;
	if (dial_is_waiting(&connection->dial))
		return refuse_dial(connection, -EAGAIN);
	return connection->state == STATE_DIALLING ? fail_dial(connection, -ETIMEDOUT)
						   : refuse_dial(connection, -ETIMEDOUT);
}

static void dial_ended(struct dial *dial)
{
	relay_wake(&container_of(dial, struct connection, dial)->relay);
}

void reaching_resolve(struct connection *connection)
{
	struct proxy *proxy = connection->proxy;
	const struct resting_site *site = resting_find(&proxy->resting, &connection->host,
		connection->port, loop_now(proxy->loop));

	connection->dial.done = dial_ended;
	connection_enter(connection, STATE_RESOLVING);
	if (site)
		dial_recall(&connection->dial, &site->address, site->status);
	else
		dial_resolve(
			&connection->dial, proxy->loop, proxy->resolver, &connection->host);
}

void reaching_dial(struct connection *connection)
{
	struct relay *relay = &connection->relay;

	connection->site.answered = connection->site.private = false;
	connection->site.used = take_idle(connection);
	connection->idle.port = connection->port;
	if (connection->site.used) {
		exchange_begin(connection);
		return;
	}
	connection_enter(connection, STATE_DIALLING);
	if (connection->handshake.named)
		answer_choose_address(connection);
	dial_connect(&connection->dial, relay->all->pacer, connection->port, relay->window,
		&relay->upstream, upstream_ready);
}
