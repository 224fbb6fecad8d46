// SPDX-License-Identifier: BSD-2-Clause
/* The life of a connection, see connection.h. */

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "names/address.h"
#include "proxy/connection.h"
#include "proxy/debug.h"
#include "proxy/report.h"

#define TLS_RECORD  0x16
#define DROPPED_MAX 1048576	 /* bytes that a refused client may still send */
#define LINGER	    (2 * SECOND) /* for that, once all is said */
#define AWAITED_MAX 60 /* seconds, as closing.c gives to what is closed in order */
#define STEPS_MAX   32 /* that a connection may take before it is another's turn */

static enum step first_step(struct connection *connection);
static enum step ending_step(struct connection *connection);
static enum step leaving_step(struct connection *connection);

/* The table of connection.h. */
static const struct state {
	const char *name;
	enum step (*step)(struct connection *connection);
	uint64_t patience; /* ns. HEAD has less once a head has begun */
	bool renews;	   /* the patience begins anew with each byte that moves */
	bool bound;	   /* the connection is for its host */
	unsigned next;	   /* bits of the states that may follow */
} states[] = {
#define TO(state) (1U << STATE_##state)
	[STATE_FIRST] = { "first", first_step, 30 * SECOND,
		.next = TO(HELLO) | TO(HEAD) | TO(ENDING) },
	[STATE_HELLO] = { "hello", hello_step, 30 * SECOND,
		.next = TO(RESOLVING) | TO(DIALLING) | TO(ANSWER) | TO(CLIENT_TLS) |
			TO(ENDING) },
	[STATE_CLIENT_TLS] = { "client-tls", client_tls_step, 30 * SECOND, .bound = true,
		.next = TO(HEAD) | TO(ENDING) },
	[STATE_HEAD] = { "head", head_step, 300 * SECOND,
		.next = TO(RESOLVING) | TO(EXCHANGE) | TO(HEAD) | TO(ENDING) },
	[STATE_RESOLVING] = { "resolving", resolving_step, 30 * SECOND, .bound = true,
		.next = TO(DIALLING) | TO(EXCHANGE) | TO(HELLO) | TO(HEAD) | TO(ENDING) },
	[STATE_DIALLING] = { "dialling", dialling_step, 30 * SECOND, .bound = true,
		.next = TO(EXCHANGE) | TO(ANSWER) | TO(SITE_TLS) | TO(HEAD) | TO(ENDING) },
	[STATE_SITE_TLS] = { "site-tls", site_tls_step, 30 * SECOND, .bound = true,
		.next = TO(EXCHANGE) | TO(HEAD) | TO(ENDING) | TO(LEAVING) },
	[STATE_ANSWER] = { "answer", answer_step, 60 * SECOND, .bound = true,
		.next = TO(HELLO) | TO(TUNNEL) | TO(ENDING) | TO(LEAVING) },
	[STATE_EXCHANGE] = { "exchange", exchange_step, 300 * SECOND, .renews = true,
		.bound = true,
		.next = TO(HEAD) | TO(TUNNEL) | TO(RESOLVING) | TO(ENDING) | TO(LEAVING) },
	[STATE_TUNNEL] = { "tunnel", tunnel_step, 3600 * SECOND, .renews = true,
		.bound = true, .next = TO(TUNNEL) | TO(LEAVING) },
	[STATE_ENDING] = { "ending", ending_step, 30 * SECOND, .renews = true },
	[STATE_LEAVING] = { "leaving", leaving_step, SECOND, .renews = true },
#undef TO
};

static void release(struct deferred *deferred)
{
	free(container_of(deferred, struct connection, release));
}

bool connection_ends_response(const struct connection *connection)
{
	const struct http_body *response = &connection->response.body;

	return connection->response.began &&
	       (response->framing == FRAMING_CLOSE ||
		       (response->framing == FRAMING_CHUNKED && !response->rechunk));
}

void connection_reset_at_end(const struct connection *connection, bool reset)
{
	const struct linger linger = { .l_onoff = reset };

	connection_trace(
		connection, "the end of the client will %sbe a reset", reset ? "" : "not ");
	setsockopt(connection->relay.client.source.fd, SOL_SOCKET, SO_LINGER, &linger,
		sizeof(linger));
}

/*
 * Whether the connection has to wait for its site. The site may still be sending, which the
 * pacer could not charge once the upstream is closed. Or a reset would come before what the
 * site has to acknowledge.
 */
static bool is_under_way(const struct connection *connection)
{
	const struct proxy *proxy = connection->proxy;
	const struct peer *upstream = &connection->relay.upstream;
	bool waits = rules_limits(proxy->rules)->rate ||
		     !closings_may(&proxy->relays.closings, loop_now(proxy->loop));

	return waits && peer_is_open(upstream) && !upstream->eof && !upstream->hung &&
	       (connection->state == STATE_ANSWER || connection->state == STATE_SITE_TLS ||
		       (connection->state == STATE_EXCHANGE &&
			       !connection->response.body.complete) ||
		       (connection->state == STATE_TUNNEL &&
			       !connection->relay.flow[DOWNLOAD].finished));
}

static void leave(struct connection *connection)
{
	struct peer *upstream = &connection->relay.upstream;

	attempt_end(connection);
	relay_drop(&connection->relay, UPLOAD);
	relay_close_client(&connection->relay);
	buffer_put(&upstream->in);
	buffer_put(&upstream->out);
	relay_count_backlog(&connection->relay);
	connection_enter(connection, STATE_LEAVING);
}

void connection_close_upstream(struct connection *connection)
{
	if (pool_keep(&connection->proxy->pool, &connection->idle))
		return;
	relay_close_upstream(&connection->relay,
		connection->site.answered || connection->state == STATE_LEAVING);
}

void connection_lend_upstream(struct connection *connection)
{
	if (!peer_is_open(&connection->relay.upstream) || !connection->site.keeps)
		return;
	relay_settle(&connection->relay);
	if (!connection->site.private)
		pool_lend(&connection->proxy->pool, &connection->idle);
}

/* All that are open are in a list, so that the end of the job finds them. */
static void link_in(struct connection *connection)
{
	struct connection **first = &connection->proxy->connections;

	connection->next = *first;
	if (*first)
		(*first)->previous = connection;
	*first = connection;
}

static void link_out(const struct connection *connection)
{
	struct connection *next = connection->next, *previous = connection->previous;

	if (next)
		next->previous = previous;
	*(previous ? &previous->next : &connection->proxy->connections) = next;
}

static void connection_close(struct connection *connection)
{
	struct loop *loop = connection->proxy->loop;

	if (is_under_way(connection)) {
		leave(connection);
		return;
	}
	attempt_end(connection);
	link_out(connection);
	dial_cancel(&connection->dial);
	pool_stop_waiting(&connection->waiter);
	loop_cancel_timer(loop, &connection->timer);
	relay_close_client(&connection->relay);
	connection_close_upstream(connection);
	buffer_put(&connection->request.head);
	relay_close(&connection->relay);
	connection_trace(connection, "closed in %s", states[connection->state].name);
	loop_defer(loop, &connection->release);
}

void connection_give_time(struct connection *connection, uint64_t time)
{
	struct loop *loop = connection->proxy->loop;

	connection->deadline = loop_now(loop) + time;
	/* Most deadlines are put off before they come, so leave an earlier timer alone. */
	if (!connection->timer.deadline ||
		connection->timer.deadline > connection->deadline)
		loop_set_timer(loop, &connection->timer, time);
}

void connection_enter(struct connection *connection, enum connection_state state)
{
	debug_assert(states[connection->state].next & 1U << state);
	connection_trace(
		connection, "%s -> %s", states[connection->state].name, states[state].name);
	connection->state = state;
	pool_stop_waiting(&connection->waiter);
	connection_give_time(connection, states[state].patience);
}

enum step connection_flush_client(struct connection *connection)
{
	int error = relay_flush_client(&connection->relay);

	if (!error)
		return STEP_AGAIN;
	return error == -EAGAIN ? STEP_WAIT : STEP_END;
}

bool connection_establish(struct connection *connection)
{
	static const char established[] = "HTTP/1.1 200 Connection established\r\n\r\n";
	struct buffer *out = peer_out(&connection->relay.client);

	return out && buffer_append(out, established, sizeof(established) - 1);
}

void connection_count(struct connection *connection, __u64 *counter)
{
	connection->began = loop_now(connection->proxy->loop);
	statistics_add(counter, 1);
}

void connection_time(const struct connection *connection, struct histogram *histogram)
{
	statistics_time(histogram, loop_now(connection->proxy->loop) - connection->began);
}

static const char *trace_word(enum reason reason)
{
	return reason ? reason_word(reason) : "-";
}

/* `port` is what the job asked for, in host byte order. 0: none. */
static void record(
	struct connection *connection, enum reason reason, const char *name, uint16_t port)
{
	if (!reason)
		return;
	if (!name)
		name = "";
	rules_record_refusal(connection->proxy->rules, reason, name, strlen(name));
	report_refusal(HOOK_PROXY, reason, name, strlen(name), port, connection->origin.pid,
		connection->origin.comm);
}

/* Gives up what is under way. Returns where to write the reason, or NULL. */
static struct buffer *give_up(struct connection *connection, enum connection_state next)
{
	dial_cancel(&connection->dial);
	connection_close_upstream(connection);
	buffer_put(&connection->request.head);
	connection_enter(connection, next);
	return peer_out(&connection->relay.client);
}

enum step connection_refuse(struct connection *connection, const struct refusal_text *text)
{
	bool named = states[connection->state].bound || connection->state == STATE_HELLO,
	     fits;
	struct buffer *out;

	connection_trace(connection, "refused: status %u %s %s: %s", text->status,
		trace_word(text->reason), text->name ? text->name : "",
		text->explanation ? text->explanation : "");
	record(connection, text->reason, text->name,
		text->port || (!named && connection->explicit) ? text->port
							       : connection->port);
	if (!text->reason)
		statistics_add(&statistics->failures[site_failure_cause(text->failure)], 1);
	out = give_up(connection, text->keep ? STATE_HEAD : STATE_ENDING);
	fits = out && refusal_write(text, connection->proxy->settings,
			      connection->request.json, out);
	attempt_refuse(connection, text, named);
	return fits ? STEP_AGAIN : STEP_END;
}

enum step connection_alert(struct connection *connection, enum tls_alert alert,
	enum reason reason, const char *name)
{
	struct buffer *out;
	bool fits;

	connection_trace(connection, "refused: TLS alert %d %s %s", (int)alert,
		trace_word(reason), name ? name : "");
	record(connection, reason, name, connection->port);
	out = give_up(connection, STATE_ENDING);
	fits = out && refusal_write_alert(alert, out);
	attempt_alert(connection, reason, name);
	return fits ? STEP_AGAIN : STEP_END;
}

static enum step first_step(struct connection *connection)
{
	static const struct refusal_text not_tls = { .status = 400,
		.reason = REASON_PROTOCOL,
		.explanation = "what goes to port 443 has to be TLS" };
	const struct buffer *in;
	long length = relay_read_client(&connection->relay);

	if (length <= 0)
		return length == -EAGAIN ? STEP_WAIT : STEP_END;
	in = connection->relay.client.in;
	if ((unsigned char)in->bytes[in->start] == TLS_RECORD) {
		if (connection->port != PORT_HTTPS)
			return connection_alert(
				connection, TLS_ACCESS_DENIED, REASON_PROTOCOL, NULL);
		connection_enter(connection, STATE_HELLO);
		return STEP_AGAIN;
	}
	/* Do not wait for a head: other protocols have none. */
	if (connection->port == PORT_HTTPS)
		return connection_refuse(connection, &not_tls);
	connection_enter(connection, STATE_HEAD);
	return STEP_AGAIN;
}

/*
 * A client that is closed while it still sends would lose the last word. So the connection
 * reads from it for a while.
 */
static enum step ending_step(struct connection *connection)
{
	struct peer *client = &connection->relay.client;
	enum step step = connection_flush_client(connection);
	long length;

	if (step != STEP_AGAIN)
		return step;
	if (!connection->ending.said) {
		connection->ending.said = true;
		/* An upstream that is not lent stays open. Its site may close it first. */
		connection_lend_upstream(connection);
		if (ring_holds(&connection->idle.place))
			connection_close_upstream(connection);
		if (connection_ends_response(connection))
			connection_reset_at_end(connection, false);
		peer_end(client);
		connection_give_time(connection, LINGER);
	}
	buffer_put(&client->in);
	length = peer_drop(client);
	if (length <= 0)
		return length == -EAGAIN ? STEP_WAIT : STEP_END;
	connection->ending.dropped += (size_t)length;
	return connection->ending.dropped > DROPPED_MAX ? STEP_END : STEP_AGAIN;
}

/* Nothing is read, so the site sends no more than its window. All of that is charged. */
static enum step leaving_step(struct connection *connection)
{
	return connection->relay.upstream.hung ? STEP_END : STEP_WAIT;
}

/*
 * Takes over an update of the job. Returns whether the update took away the host that this
 * connection is for. Between requests it is for none, and the next one is checked anyway.
 */
static bool is_withdrawn(struct connection *connection)
{
	struct rules *rules = connection->proxy->rules;
	uint64_t generation = rules_limits(rules)->generation;
	bool bound = states[connection->state].bound ||
		     (connection->state == STATE_HELLO &&
			     (connection->connect || connection->handshake.named));

	if (generation == connection->generation)
		return false;
	connection->generation = generation;
	if (!bound || !rules_check(rules, &connection->host))
		return false;
	connection_trace(
		connection, "the job may not reach %s any more", connection->host.name);
	connection->attempt.detail = "an update of the job took the host away";
	return true;
}

/*
 * A tunnel may still have to carry what the client sent before it went. A client that goes
 * during its handshake may have said why.
 */
static bool is_deserted(const struct connection *connection)
{
	const struct peer *client = &connection->relay.client;

	return client->hung && peer_is_open(client) && connection->state != STATE_TUNNEL &&
	       connection->state != STATE_CLIENT_TLS;
}

/*
 * Whether a reset would lose what the site has not acknowledged. If so, the site is given
 * more time.
 */
static bool is_awaited(struct connection *connection)
{
	struct proxy *proxy = connection->proxy;
	const struct peer *upstream = &connection->relay.upstream;

	return (connection->state == STATE_LEAVING || connection->tunnel.held) &&
	       peer_is_open(upstream) && !upstream->hung &&
	       !closings_may(&proxy->relays.closings, loop_now(proxy->loop)) &&
	       !closing_is_acknowledged(upstream->source.fd) &&
	       connection->tunnel.awaited++ < AWAITED_MAX;
}

/*
 * The time of the state is over. Either the site did not answer in time, or the client did
 * not say what it wants. In the second case no refusal is written.
 */
static enum step expire(struct connection *connection)
{
	bool waiting = connection->state == STATE_EXCHANGE && !connection->response.began &&
		       connection->request.body.complete;

	if (is_awaited(connection)) {
		connection_give_time(connection, SECOND);
		return STEP_WAIT;
	}
	connection_trace(
		connection, "the time of %s is over", states[connection->state].name);
	if (tunnel_tell_end(connection))
		return STEP_AGAIN;
	connection->attempt.detail = "its time was over";
	if (!waiting && connection->state != STATE_RESOLVING &&
		connection->state != STATE_DIALLING && connection->state != STATE_SITE_TLS)
		return STEP_END;
	return reaching_expire(connection);
}

static enum step run_steps(struct connection *connection)
{
	enum step step = is_deserted(connection) ? STEP_END : STEP_AGAIN;

	for (int i = 0; i < STEPS_MAX && step == STEP_AGAIN; i++)
		step = is_withdrawn(connection)
			       ? STEP_END
			       : states[connection->state].step(connection);
	if (step != STEP_END && connection->deadline <= loop_now(connection->proxy->loop))
		step = expire(connection);
	return step;
}

static void run(struct relay *relay)
{
	struct connection *connection = container_of(relay, struct connection, relay);
	enum step step;

	relay_limit_windows(relay);
	step = run_steps(connection);
	if (step == STEP_END) {
		connection_close(connection);
		return;
	}
	relay_count_backlog(relay);
	if (step == STEP_AGAIN)
		relay_wake(relay);
}

static void moved(struct relay *relay)
{
	struct connection *connection = container_of(relay, struct connection, relay);
	const struct state *state = &states[connection->state];

	if (state->renews)
		connection_give_time(connection, state->patience);
}

static void expired(struct timer *timer)
{
	struct connection *connection = container_of(timer, struct connection, timer);
	uint64_t now = loop_now(connection->proxy->loop);

	if (connection->deadline > now)
		connection_give_time(connection, connection->deadline - now);
	else
		relay_wake(&connection->relay);
}

static void trace_begin(const struct connection *connection)
{
	char text[ADDRESS_TEXT_MAX];

	if (!connection->relay.all->limits->trace)
		return;
	address_format(&connection->origin.destination.address, text);
	connection_trace(connection, "accepted, for %s port %u", text, connection->port);
}

int connection_new(struct proxy *proxy, int fd, const struct origin *origin)
{
	static const struct relay_owner owner = { .run = run, .moved = moved };
	const struct proxy_settings *settings = proxy->settings;
	const struct endpoint *destination = &origin->destination;
	size_t path = settings->log_paths ? LOG_PATH_MAX + 1 : 0;
	_free_ struct connection *connection = calloc(1, sizeof(*connection) + path);
	const int on = 1;
	int error;

	if (!connection)
		return -ENOMEM;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	error = relay_open(&connection->relay, &proxy->relays, fd, &owner);
	if (error)
		return error;
	connection->proxy = proxy;
	connection->idle.relay = &connection->relay;
	connection->idle.host = connection->waiter.host = &connection->host;
	connection->waiter.relay = &connection->relay;
	connection->timer.expired = expired;
	connection->release.run = release;
	connection->port = ntohs(destination->port);
	connection->origin = *origin;
	connection->explicit =
		!memcmp(&destination->address, &settings->virtual4.address,
			sizeof(struct address)) ||
		(settings->virtual6.port &&
			!memcmp(&destination->address, &settings->virtual6.address,
				sizeof(struct address)));
	connection->generation = rules_limits(proxy->rules)->generation;
	connection->attempt.began = loop_now(proxy->loop);
	link_in(connection);
	connection_give_time(connection, states[STATE_FIRST].patience);
	trace_begin(connection);
	TAKE_POINTER(connection);
	return 0;
}
