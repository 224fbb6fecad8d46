// SPDX-License-Identifier: BSD-2-Clause
/* The life of a connection; see connection.h. */

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "lib/cleanup.h"
#include "names/address.h"
#include "proxy/connection.h"

#define SECOND	    1000000000ULL
#define TLS_RECORD  0x16
#define PORT_HTTPS  443
#define DROPPED_MAX 1048576 /* bytes that a refused client may still send */
#define LINGER	    (2 * SECOND)
#define STEPS_MAX   32 /* that a connection may take before it is another's turn */

/* For HEAD and ENDING there is a shorter one besides, once a head has begun and once all is said. */
static const uint64_t patience[] = {
	[STATE_FIRST] = 30 * SECOND,
	[STATE_HELLO] = 30 * SECOND,
	[STATE_HEAD] = 300 * SECOND,
	[STATE_RESOLVING] = 30 * SECOND,
	[STATE_DIALLING] = 30 * SECOND,
	[STATE_ANSWER] = 60 * SECOND,
	[STATE_EXCHANGE] = 300 * SECOND,
	[STATE_TUNNEL] = 3600 * SECOND,
	[STATE_ENDING] = 30 * SECOND,
	[STATE_LEAVING] = SECOND,
};

static void release(struct deferred *deferred)
{
	free(container_of(deferred, struct connection, release));
}

bool connection_ends_response(const struct connection *connection)
{
	const struct http_body *response = &connection->response;

	return connection->response_began &&
	       (response->framing == FRAMING_CLOSE ||
		       (response->framing == FRAMING_CHUNKED && !response->rechunk));
}

void connection_reset_at_end(const struct connection *connection, bool reset)
{
	const struct linger linger = { .l_onoff = reset };

	setsockopt(connection->client.source.fd, SOL_SOCKET, SO_LINGER, &linger,
		sizeof(linger));
}

/* Whether the site may still be sending, which would go unseen once it is closed, and so past the throttle; or a reset would
 * come before what it has to acknowledge. */
static bool is_under_way(const struct connection *connection)
{
	const struct proxy *proxy = connection->proxy;
	const struct peer *upstream = &connection->upstream;
	bool waits = rules_limits(proxy->rules)->rate ||
		     !closings_may(&proxy->closings, loop_now(proxy->loop));

	return waits && peer_is_open(upstream) && !upstream->eof && !upstream->hung &&
	       (connection->state == STATE_ANSWER ||
		       (connection->state == STATE_EXCHANGE &&
			       !connection->response.complete) ||
		       (connection->state == STATE_TUNNEL && !connection->down.finished));
}

static void leave(struct connection *connection)
{
	struct peer *upstream = &connection->upstream;

	tunnel_end(connection);
	client_close(connection);
	buffer_put(&upstream->in);
	buffer_put(&upstream->out);
	bandwidth_count_stuck(connection);
	connection_enter(connection, STATE_LEAVING);
}

static void connection_close(struct connection *connection)
{
	struct proxy *proxy = connection->proxy;

	if (is_under_way(connection)) {
		leave(connection);
		return;
	}
	dial_cancel(&connection->dial);
	tunnel_end(connection);
	loop_cancel_timer(proxy->loop, &connection->timer);
	client_close(connection);
	upstream_close(connection);
	buffer_put(&connection->pending);
	connection->closed = true;
	bandwidth_leave(connection);
	loop_defer(proxy->loop, &connection->release);
}

void connection_give_time(struct connection *connection, uint64_t time)
{
	struct loop *loop = connection->proxy->loop;

	connection->deadline = loop_now(loop) + time;
	/* Most deadlines are put off before they come: a timer that is due earlier is left alone. */
	if (!connection->timer.deadline ||
		connection->timer.deadline > connection->deadline)
		loop_set_timer(loop, &connection->timer, time);
}

void connection_enter(struct connection *connection, enum connection_state state)
{
	connection->state = state;
	connection_give_time(connection, patience[state]);
}

static void record(struct connection *connection, enum reason reason, const char *name)
{
	if (reason)
		rules_record_refusal(connection->proxy->rules, reason, name ? name : "",
			name ? strlen(name) : 0);
}

/* What is under way is given up. Returns where to write why. */
static struct buffer *give_up(struct connection *connection, enum connection_state next)
{
	dial_cancel(&connection->dial);
	upstream_close(connection);
	buffer_put(&connection->pending);
	connection_enter(connection, next);
	return peer_out(&connection->client);
}

enum step connection_refuse(struct connection *connection, const struct refusal_text *text)
{
	struct buffer *out;

	record(connection, text->reason, text->name);
	out = give_up(connection, text->keep ? STATE_HEAD : STATE_ENDING);
	if (!out || !refusal_write(text, connection->proxy->settings, out))
		return STEP_END;
	return STEP_AGAIN;
}

enum step connection_alert(struct connection *connection, enum tls_alert alert,
	enum reason reason, const char *name)
{
	struct buffer *out;

	record(connection, reason, name);
	out = give_up(connection, STATE_ENDING);
	if (!out || !refusal_write_alert(alert, out))
		return STEP_END;
	return STEP_AGAIN;
}

static enum step first_step(struct connection *connection)
{
	static const struct refusal_text not_tls = { .status = 400,
		.reason = REASON_PROTOCOL,
		.explanation = "what goes to port 443 has to be TLS" };
	const struct buffer *in;
	long length = client_read(connection);

	if (length <= 0)
		return length == -EAGAIN ? STEP_WAIT : STEP_END;
	in = connection->client.in;
	if ((unsigned char)in->bytes[in->start] == TLS_RECORD) {
		if (connection->port != PORT_HTTPS)
			return connection_alert(
				connection, TLS_ACCESS_DENIED, REASON_PROTOCOL, NULL);
		connection_enter(connection, STATE_HELLO);
		return STEP_AGAIN;
	}
	/* No head is waited for: other protocols have none. */
	if (connection->port == PORT_HTTPS)
		return connection_refuse(connection, &not_tls);
	connection_enter(connection, STATE_HEAD);
	return STEP_AGAIN;
}

/* A client that is closed while it still sends would lose the last word: it is listened to for a while. */
static enum step ending_step(struct connection *connection)
{
	struct peer *client = &connection->client;
	long length;

	while (client->out) {
		length = client_write(connection);
		if (length < 0)
			return length == -EAGAIN ? STEP_WAIT : STEP_END;
	}
	if (!connection->said) {
		connection->said = true;
		if (connection_ends_response(connection))
			connection_reset_at_end(connection, false);
		shutdown(client->source.fd, SHUT_WR);
		connection_give_time(connection, LINGER);
	}
	buffer_put(&client->in);
	length = peer_read(client, BUFFER_SIZE);
	if (length <= 0)
		return length == -EAGAIN ? STEP_WAIT : STEP_END;
	connection->dropped += (size_t)length;
	return connection->dropped > DROPPED_MAX ? STEP_END : STEP_AGAIN;
}

/* Nothing is read: so the site sends no more than its window, all of which will count. */
static enum step leaving_step(struct connection *connection)
{
	return connection->upstream.hung ? STEP_END : STEP_WAIT;
}

static enum step wait_step(struct connection *connection)
{
	(void)connection;
	return STEP_WAIT;
}

static bool wants_input(const struct connection *connection)
{
	return connection->state != STATE_RESOLVING &&
	       connection->state != STATE_DIALLING && connection->state != STATE_ANSWER &&
	       !(connection->state == STATE_EXCHANGE && connection->request.complete);
}

/* Takes over an update of the job. Returns whether it took away the host that this connection is for. Between
 * requests it is for none: the next one is checked anyway. */
static bool is_withdrawn(struct connection *connection)
{
	const struct rules *rules = connection->proxy->rules;
	uint64_t generation = rules_limits(rules)->generation;
	bool bound = (connection->state >= STATE_RESOLVING &&
			     connection->state <= STATE_TUNNEL) ||
		     (connection->state == STATE_HELLO &&
			     (connection->connect || connection->tls));

	if (generation == connection->generation)
		return false;
	connection->generation = generation;
	return bound && rules_check(rules, &connection->host) != 0;
}

void connection_run(struct connection *connection)
{
	static enum step (*const steps[])(struct connection *) = {
		[STATE_FIRST] = first_step,
		[STATE_HELLO] = hello_step,
		[STATE_HEAD] = head_step,
		[STATE_RESOLVING] = wait_step,
		[STATE_DIALLING] = wait_step,
		[STATE_ANSWER] = answer_step,
		[STATE_EXCHANGE] = exchange_step,
		[STATE_TUNNEL] = tunnel_step,
		[STATE_ENDING] = ending_step,
		[STATE_LEAVING] = leaving_step,
	};
	enum step step = STEP_AGAIN;

	bandwidth_limit_queues(connection);
	for (int i = 0; i < STEPS_MAX && step == STEP_AGAIN; i++)
		step = is_withdrawn(connection) ? STEP_END
						: steps[connection->state](connection);
	if (step == STEP_END) {
		connection_close(connection);
		return;
	}
	bandwidth_count_stuck(connection);
	if (step == STEP_AGAIN && !connection->turn_asked) {
		connection->turn_asked = true;
		loop_defer(connection->proxy->loop, &connection->turn);
	}
	peer_watch(&connection->client, wants_input(connection));
	if (!dial_is_connecting(&connection->dial))
		peer_watch(&connection->upstream, true);
}

static void turn(struct deferred *deferred)
{
	struct connection *connection = container_of(deferred, struct connection, turn);

	connection->turn_asked = false;
	if (!connection->closed)
		connection_run(connection);
}

static void client_ready(struct source *source, uint32_t events)
{
	struct connection *connection =
		container_of(source, struct connection, client.source);

	peer_note(&connection->client, events);
	/* A tunnel may still have to carry what the client sent before it went. */
	if (connection->client.hung && connection->state != STATE_TUNNEL)
		connection_close(connection);
	else
		connection_run(connection);
}

static void upstream_ready(struct source *source, uint32_t events)
{
	struct connection *connection =
		container_of(source, struct connection, upstream.source);

	if (dial_is_connecting(&connection->dial)) {
		dial_ready(&connection->dial);
		return;
	}
	peer_note(&connection->upstream, events);
	connection_run(connection);
}

/* Why a site could not be connected. */
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

/* Writes the address that was tried last, is connected, or may not be dialled. Returns it, or NULL: there is none. */
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

static void refuse_dial(struct connection *connection, int status)
{
	char address[ADDRESS_TEXT_MAX], lookup[LOOKUP_TEXT_SIZE];
	const struct http_asked *asked = &connection->asked;
	const char *name = connection->host.name;
	struct refusal_text text = { .status = 502,
		.name = name,
		.address = dialled_address(connection, status, address),
		.without_body = asked->head,
		.keep = asked->keep && !asked->old && connection->request.complete };

	if (status == -EACCES) {
		text.status = 403;
		text.reason = REASON_ADDRESS;
	} else if (status == -EKEYREJECTED) {
		text.status = 403;
		text.reason = REASON_GUARD;
	} else if (status == -EBUSY) {
		text.status = 503;
		text.reason = REASON_LIMIT;
		text.name = NULL;
		text.explanation = "too many names are being looked up";
	} else if (status == -EAGAIN) {
		text.status = 503;
		text.reason = REASON_LIMIT;
		text.name = NULL;
		text.explanation = "too many connections to sites are being made";
	} else {
		if (status == -ETIMEDOUT)
			text.status = 504;
		text.explanation =
			connection->state == STATE_RESOLVING && !text.address
				? lookup_explain(&connection->dial.lookup, lookup)
				: dial_problem(status);
	}
	if (connection->tls)
		connection_alert(connection,
			text.reason ? TLS_ACCESS_DENIED : TLS_INTERNAL_ERROR, text.reason,
			name);
	else
		connection_refuse(connection, &text);
}

/* No address of the site could be connected. */
static void fail_dial(struct connection *connection, int status)
{
	struct proxy *proxy = connection->proxy;
	const struct address *address = dial_last(&connection->dial);

	if (address)
		resting_note(&proxy->resting, &connection->host, connection->port, status,
			address, loop_now(proxy->loop));
	refuse_dial(connection, status);
}

/* The site did not answer in time, or else the client did not say what it wants: then there is nobody to tell. */
static void expired(struct timer *timer)
{
	struct connection *connection = container_of(timer, struct connection, timer);
	uint64_t now = loop_now(connection->proxy->loop);
	bool waiting = connection->state == STATE_EXCHANGE && !connection->response_began &&
		       connection->request.complete;

	if (connection->deadline > now) {
		connection_give_time(connection, connection->deadline - now);
	} else if (waiting || connection->state == STATE_RESOLVING ||
		   connection->state == STATE_DIALLING) {
		connection->asked.keep = false;
		if (dial_is_waiting(&connection->dial))
			refuse_dial(connection, -EAGAIN);
		else if (connection->state == STATE_DIALLING)
			fail_dial(connection, -ETIMEDOUT);
		else
			refuse_dial(connection, -ETIMEDOUT);
		connection_run(connection);
	} else {
		connection_close(connection);
	}
}

static void answer_connect(struct connection *connection)
{
	static const char established[] = "HTTP/1.1 200 Connection established\r\n\r\n";
	struct buffer *out = peer_out(&connection->client);

	/* Without memory for the answer the client waits for it, until its time is over. */
	if (out)
		buffer_append(out, established, sizeof(established) - 1);
	connection_enter(connection, STATE_HELLO);
}

/* TLS shows no requests: so it goes to no guarded address, by whatever name. */
static bool is_guarded_tls(const struct connection *connection)
{
	const struct lookup *lookup = &connection->dial.lookup;

	if (!connection->tls && !connection->connect)
		return false;
	for (size_t i = 0; i < lookup->count; i++)
		if (rules_guard_address(connection->proxy->rules, &lookup->addresses[i]))
			return true;
	return false;
}

static void dialled(struct dial *dial, int status)
{
	struct connection *connection = container_of(dial, struct connection, dial);

	if (!status && connection->state == STATE_DIALLING) {
		queues_limit_site(&connection->upstream, connection->share);
		resting_forget(
			&connection->proxy->resting, &connection->host, connection->port);
	}
	if (!status && connection->state == STATE_RESOLVING && is_guarded_tls(connection))
		status = -EKEYREJECTED;
	if (status && connection->state == STATE_DIALLING)
		fail_dial(connection, status);
	else if (status)
		refuse_dial(connection, status);
	else if (connection->state == STATE_DIALLING && connection->tls)
		answer_begin(connection);
	else if (connection->state == STATE_DIALLING)
		exchange_begin(connection);
	else if (connection->connect && !connection->tls)
		answer_connect(connection);
	else
		connection_dial(connection);
	connection_run(connection);
}

void connection_resolve(struct connection *connection)
{
	struct proxy *proxy = connection->proxy;
	const struct resting_site *site = resting_find(&proxy->resting, &connection->host,
		connection->port, loop_now(proxy->loop));

	connection->dial.done = dialled;
	connection_enter(connection, STATE_RESOLVING);
	if (site) {
		dial_recall(&connection->dial, &site->address);
		refuse_dial(connection, site->status);
		return;
	}
	dial_resolve(&connection->dial, connection->proxy->loop,
		connection->proxy->resolver, &connection->host);
}

enum step connection_dial(struct connection *connection)
{
	int status;

	connection->upstream_used = connection->answered = false;
	connection_enter(connection, STATE_DIALLING);
	if (connection->tls)
		answer_choose_address(connection);
	status = dial_connect(&connection->dial, connection->proxy->throttle,
		connection->port, connection->share, &connection->upstream, upstream_ready);
	if (status)
		fail_dial(connection, status);
	return STEP_AGAIN;
}

int connection_new(struct proxy *proxy, int fd, const struct endpoint *destination)
{
	_free_ struct connection *connection = calloc(1, sizeof(*connection));
	const struct proxy_settings *settings = proxy->settings;
	const int on = 1;
	int error;

	if (!connection)
		return -ENOMEM;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	error = peer_open(&connection->client, proxy->loop, fd, true, client_ready);
	if (error)
		return error;
	connection->proxy = proxy;
	connection->upstream.source.fd = -1;
	connection->timer.expired = expired;
	connection->turn.run = turn;
	connection->release.run = release;
	bandwidth_join(connection);
	connection->up.pipe[0] = connection->down.pipe[0] = -1;
	connection->port = ntohs(destination->port);
	connection->original = destination->address;
	connection->explicit =
		!memcmp(&destination->address, &settings->virtual4.address,
			sizeof(struct address)) ||
		(settings->virtual6.port &&
			!memcmp(&destination->address, &settings->virtual6.address,
				sizeof(struct address)));
	connection->generation = rules_limits(proxy->rules)->generation;
	connection_enter(connection, STATE_FIRST);
	TAKE_POINTER(connection);
	return 0;
}
