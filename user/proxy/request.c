// SPDX-License-Identifier: BSD-2-Clause
/*
 * The state HEAD reads a request, checks its host, and writes the request that goes
 * upstream.
 */

#include <errno.h>
#include <stdio.h>

#include "jobfence/secrets.h"
#include "lib/clock.h"
#include "proxy/connection.h"
#include "proxy/http_accept.h"
#include "proxy/http_request.h"
#include "proxy/learning.h"

/*
 * For a head, from its first byte on, in ns. A client that sends byte by byte gets no more.
 */
#define HEAD_PATIENCE (30 * SECOND)

/* `head` is NULL if none could be found. */
static enum step refuse(struct connection *connection, const struct http_head *head,
	unsigned status, enum reason reason, const char *explanation)
{
	const struct refusal_text text = { .status = status,
		.reason = reason,
		.explanation = explanation,
		.without_body = head && method_is(&head->method, "HEAD") };

	return connection_refuse(connection, &text);
}

static struct refusal_text refusal_of(const struct http_head *head,
	const struct http_target *target, enum reason reason, const char *explanation)
{
	return (struct refusal_text){ .status = 403,
		.reason = reason,
		.name = target->host.name,
		.port = target->port,
		.explanation = explanation,
		.keep = http_head_is_all(head) && head->keep_alive && head->minor > 0 &&
			!method_is(&head->method, "CONNECT"),
		.without_body = method_is(&head->method, "HEAD") };
}

static enum step refuse_host(struct connection *connection, const struct http_head *head,
	const struct http_target *target, enum reason reason, const char *explanation)
{
	const struct refusal_text text = refusal_of(head, target, reason, explanation);

	return connection_refuse(connection, &text);
}

static enum step refuse_judged(struct connection *connection, const struct http_head *head,
	const struct http_target *target, const struct judgement *judgement)
{
	struct refusal_text text = refusal_of(head, target, REASON_RULE, NULL);

	if (judgement->verdict == VERDICT_NO_FORM) {
		text.status = 400;
		text.keep = false;
	}
	if (judgement->verdict == VERDICT_ECHO)
		text.status = 405;
	if (judgement->verdict == VERDICT_NO_FORM || judgement->verdict == VERDICT_FIELD ||
		judgement->verdict == VERDICT_ECHO)
		text.explanation = judgement->request;
	else
		text.judgement = judgement;
	return connection_refuse(connection, &text);
}

/* Without its secret the request would be another one. */
static enum step refuse_missing(struct connection *connection, const struct http_head *head,
	const struct http_target *target, const char *secret)
{
	char explanation[SECRET_NAME_MAX + 64];
	struct refusal_text text;

	snprintf(explanation, sizeof(explanation), "the secret %s has no value", secret);
	text = refusal_of(head, target, REASON_RULE, explanation);
	text.status = 503;
	return connection_refuse(connection, &text);
}

/* The site that TLS was begun with need not be the one that answers for this host. */
static enum step refuse_misdirected(struct connection *connection,
	const struct http_head *head, const struct http_target *target)
{
	struct refusal_text text = refusal_of(head, target, REASON_PROTOCOL,
		"the request is for another host than its TLS connection");

	text.status = 421;
	text.keep = false;
	return connection_refuse(connection, &text);
}

static void consume(struct connection *connection, size_t length)
{
	connection->relay.client.in->start += length;
	connection->attempt.unconsumed = 0;
	connection->request.scanned = 0;
	if (!buffer_length(connection->relay.client.in))
		buffer_put(&connection->relay.client.in);
}

/*
 * CONNECT to port 80 changes nothing: requests follow, with the header on each. After
 * CONNECT to port 443, TLS has to follow.
 */
static enum step begin_connect(struct connection *connection, const struct http_head *head,
	const struct http_target *target)
{
	struct rules *rules = connection->proxy->rules;
	struct domain_use *use = NULL;
	bool intercepted;
	enum reason reason;

	if (connection->host_fixed)
		return refuse(
			connection, head, 400, REASON_PROTOCOL, "CONNECT within CONNECT");
	if (target->port != PORT_HTTP && target->port != PORT_HTTPS)
		return refuse_host(connection, head, target, REASON_PROTOCOL,
			"only the ports 80 and 443 can be reached");
	intercepted = target->port == PORT_HTTPS && rules_intercept(rules, &target->host);
	/* The requests inside TLS that is opened are counted one by one. */
	reason = intercepted
			 ? rules_check(rules, &target->host)
			 : rules_use(rules, &target->host,
				   target->port == PORT_HTTPS ? SIGHT_NAME : SIGHT_REQUESTS,
				   &use);
	relay_count_for(&connection->relay, use);
	if (reason)
		return refuse_host(connection, head, target, reason, NULL);
	connection_close_upstream(connection);
	connection->host = target->host;
	connection->port = target->port;
	if (target->port == PORT_HTTPS) {
		if (!intercepted)
			connection_count(connection, &statistics->tunnels);
		connection->connect = true;
		connection->request.asked = (struct http_asked){};
		reaching_resolve(connection);
		return STEP_AGAIN;
	}
	connection->host_fixed = true;
	/* The requests after it have lines. */
	connection->attempt.open = false;
	return connection_establish(connection) ? STEP_AGAIN : STEP_END;
}

/*
 * A connection that was idle may just be closing. So only a request that can be sent again
 * may use one (RFC 9110 section 9.2.2).
 */
static bool is_repeatable(const struct http_head *head)
{
	return http_head_is_all(head) &&
	       (method_is(&head->method, "GET") || method_is(&head->method, "HEAD") ||
		       method_is(&head->method, "OPTIONS"));
}

/* Whether the connection's own upstream serves the request. */
static bool may_reuse(const struct connection *connection, const struct http_target *target)
{
	return connection->request.repeatable &&
	       peer_is_open(&connection->relay.upstream) && connection->site.keeps &&
	       host_equal(&connection->host, &target->host);
}

static enum step forward(struct connection *connection, const struct http_head *head,
	const struct http_target *target, size_t length)
{
	bool reuse;
	size_t written;

	connection->request.repeatable = is_repeatable(head);
	reuse = may_reuse(connection, target) && peer_out(&connection->relay.upstream);
	connection->request.head = buffer_get();
	if (!connection->request.head)
		return STEP_END;
	if (!http_request_write(
		    head, target, connection->proxy->settings, connection->request.head))
		return refuse(connection, head, 431, REASON_LIMIT,
			"the head of the request is too long");
	/* The bytes that the proxy added would reach the site beyond the rate. */
	written = buffer_length(connection->request.head);
	if (written > length)
		relay_charge(&connection->relay, UPLOAD, written - length);
	connection->request.asked = (struct http_asked){
		.head = method_is(&head->method, "HEAD"),
		.old = head->minor == 0,
		.keep = head->keep_alive,
		.websocket = head->websocket && http_head_is_all(head),
		.last = http_request_is_last(head),
		.login = http_head_logs_in(head),
		.secrets = connection->proxy->secrets,
	};
	http_body_begin(
		&connection->request.body, head->framing, head->content_length, true);
	if (reuse) {
		pool_reclaim(&connection->idle);
		exchange_begin(connection);
		return STEP_AGAIN;
	}
	connection_close_upstream(connection);
	connection->host = target->host;
	connection->port = connection->secure ? PORT_HTTPS : PORT_HTTP;
	reaching_resolve(connection);
	return STEP_AGAIN;
}

/*
 * Judges the request by the rules for methods and paths, if its host has such rules. The
 * caller knows the requests of this connection, whatever carries them. Returns the reason
 * why the host may not be reached at all. Nothing is judged then, so the caller refuses.
 * The next look at the domains may allow the host.
 */
static enum reason judge(struct connection *connection, const struct http_head *head,
	struct http_target *target, struct judgement *judgement)
{
	struct rules *rules = connection->proxy->rules;
	enum reason reason;

	judgement->verdict = VERDICT_PASS;
	if (!judge_is_for(rules_judge(rules), &target->host))
		return 0;
	reason = rules_check(rules, &target->host);
	if (reason)
		return reason;
	judge_request(rules_judge(rules), head, target, judgement);
	attempt_note_path(connection, &target->path);
	return 0;
}

/*
 * Notes a request to a domain of --intercept, also one of plain HTTP. A rule for such a
 * domain holds for both. Returns whether there was room.
 */
static bool learn(const struct proxy *proxy, const struct http_head *head,
	const struct http_target *target)
{
	return !proxy->settings->learn || !rules_intercept(proxy->rules, &target->host) ||
	       learning_note_request(&target->host, &head->method, &target->path);
}

/* Begins a request whose host and port are known. */
static enum step begin_request(struct connection *connection, const struct http_head *head,
	struct http_target *target, size_t length)
{
	struct judgement judgement;
	struct domain_use *use;
	enum reason reason;
	const char *missing;

	if (connection->secure && (target->port != PORT_HTTPS ||
					  !host_equal(&connection->host, &target->host)))
		return refuse_misdirected(connection, head, target);
	if (!connection->secure && target->port != PORT_HTTP)
		return refuse_host(connection, head, target, REASON_PROTOCOL,
			"plain HTTP goes to port 80 only");
	if (connection->host_fixed && !host_equal(&connection->host, &target->host))
		return refuse_host(connection, head, target, REASON_PROTOCOL,
			"not the host of the CONNECT before it");
	reason = judge(connection, head, target, &judgement);
	if (!reason && judgement.verdict)
		return refuse_judged(connection, head, target, &judgement);
	if (!reason)
		reason = rules_use(
			connection->proxy->rules, &target->host, SIGHT_REQUESTS, &use);
	if (reason)
		return refuse_host(connection, head, target, reason, NULL);
	/* Plain HTTP may go to anybody. The job's own field is dropped there, too. */
	if (!connection->secure)
		target->due = 0;
	missing = secret_store_missing(target->secrets, target->due);
	if (missing)
		return refuse_missing(connection, head, target, missing);
	if (!learn(connection->proxy, head, target))
		return refuse_host(connection, head, target, REASON_LIMIT,
			"It learns, and there is no room for a rule for this request.");
	relay_count_for(&connection->relay, use);
	connection_count(connection, &statistics->requests);
	return forward(connection, head, target, length);
}

static enum step begin(struct connection *connection, const char *bytes, size_t length)
{
	struct http_head head;
	int error = http_head_parse(bytes, length, &head);
	struct http_target target;
	const char *problem;

	/* A head that is too long or malformed has the fields that were read before. */
	connection->request.json = http_accepts_json(&head);
	attempt_begin(connection, error == -EBADMSG ? NULL : &head, length);
	relay_count_for(&connection->relay, NULL);
	if (error == -E2BIG)
		return refuse(connection, &head, 431, REASON_LIMIT,
			"there are too many header fields, or tokens in Connection");
	if (error)
		return refuse(connection, &head, 400, REASON_PROTOCOL,
			"the request is malformed");
	problem = http_target_read(
		&head, connection->secure ? PORT_HTTPS : PORT_HTTP, &target);
	if (problem)
		return refuse(connection, &head, 400, REASON_PROTOCOL, problem);
	attempt_note_path(connection, &target.path);
	return target.connect ? begin_connect(connection, &head, &target)
			      : begin_request(connection, &head, &target, length);
}

/* An idle upstream that sends anything is of no more use. */
static void check_upstream(struct connection *connection)
{
	if (peer_is_open(&connection->relay.upstream) &&
		connection->relay.upstream.readable)
		connection_close_upstream(connection);
}

static bool begins_with_empty_line(const struct buffer *in)
{
	return buffer_length(in) >= 2 && in->bytes[in->start] == '\r' &&
	       in->bytes[in->start + 1] == '\n';
}

/* Empty lines before a request are allowed (RFC 9112 section 2.2). */
static void skip_empty_lines(struct connection *connection)
{
	while (begins_with_empty_line(connection->relay.client.in))
		consume(connection, 2);
}

/* Returns STEP_WAIT if the head is not whole yet. */
static enum step read_head(struct connection *connection)
{
	struct buffer *in = connection->relay.client.in;
	const char *bytes = in->bytes + in->start;
	bool begun = connection->request.scanned;
	int found = http_head_find(bytes, buffer_length(in), &connection->request.scanned);

	connection->request.json = false;
	if (found > 0) {
		enum step step = begin(connection, bytes, (size_t)found);

		if (step != STEP_END && connection->state != STATE_ENDING)
			consume(connection, (size_t)found);
		return step;
	}
	if (found < 0 || buffer_length(in) == BUFFER_SIZE)
		attempt_begin(connection, NULL, buffer_length(in));
	if (found < 0)
		return refuse(
			connection, NULL, 400, REASON_PROTOCOL, "the request is malformed");
	if (buffer_length(in) == BUFFER_SIZE)
		return refuse(connection, NULL, 431, REASON_LIMIT,
			"the head of the request is too long");
	if (!begun)
		connection_give_time(connection, HEAD_PATIENCE);
	return STEP_WAIT;
}

enum step head_step(struct connection *connection)
{
	struct peer *client = &connection->relay.client;
	enum step step = connection_flush_client(connection);
	long length;

	if (step != STEP_AGAIN)
		return step;
	check_upstream(connection);
	connection_lend_upstream(connection);
	skip_empty_lines(connection);
	if (client->in) {
		step = read_head(connection);
		if (step != STEP_WAIT)
			return step;
	}
	length = relay_read_client(&connection->relay);
	if (length > 0)
		return STEP_AGAIN;
	return length == -EAGAIN && !client->eof ? STEP_WAIT : STEP_END;
}
