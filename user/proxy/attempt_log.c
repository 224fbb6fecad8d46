// SPDX-License-Identifier: BSD-2-Clause
/* The lines of the request log, see attempt.h. */

#include <arpa/inet.h>
#include <string.h>

#include "names/address.h"
#include "proxy/connection.h"

static void copy_text(char *to, const struct slice *text, size_t most)
{
	size_t length = text->length < most ? text->length : most;

	memcpy(to, text->bytes, length);
	to[length] = '\0';
}

static struct slice text_slice(const char *text)
{
	return (struct slice){ text, text ? strlen(text) : 0 };
}

/* Begins an attempt, to which all belongs that the client has sent since `sent`. */
static void begin_at(struct connection *connection, uint64_t began, uint64_t sent)
{
	connection->attempt = (struct log_attempt){ .open = true,
		.tunnel = connection->port == PORT_HTTPS && !connection->secure,
		.began = began,
		.sent = sent,
		.received = connection->relay.received };
	if (connection->proxy->settings->log_paths)
		connection->path[0] = '\0';
}

void attempt_begin(
	struct connection *connection, const struct http_head *head, size_t length)
{
	const struct relay *relay = &connection->relay;
	struct log_attempt *attempt = &connection->attempt;

	if (!connection->proxy->log)
		return;
	begin_at(connection, loop_now(connection->proxy->loop),
		relay->sent - buffer_length(relay->client.in));
	attempt->unconsumed = length;
	if (!head)
		return;
	attempt->tunnel = method_is(&head->method, "CONNECT");
	copy_text(attempt->method, &head->method, sizeof(attempt->method) - 1);
}

/* It began with the connection, unless there was a CONNECT. */
void attempt_begin_hello(struct connection *connection)
{
	if (connection->proxy->log && !connection->attempt.open)
		begin_at(connection, connection->attempt.began, 0);
	connection->attempt.tunnel = true;
}

void attempt_note_path(struct connection *connection, const struct slice *path)
{
	struct slice shown = *path;

	if (!connection->proxy->log || !connection->proxy->settings->log_paths)
		return;
	for (size_t i = 0; i < shown.length; i++)
		if (shown.bytes[i] == '?' || shown.bytes[i] == '#')
			shown.length = i;
	if (!shown.length)
		shown = (struct slice){ "/", 1 };
	copy_text(connection->path, &shown, LOG_PATH_MAX);
}

void attempt_note_site(struct connection *connection, bool reused)
{
	connection->attempt.connected = true;
	connection->attempt.reused = reused;
}

void attempt_note_answer(struct connection *connection, unsigned status)
{
	connection->attempt.answered = true;
	connection->attempt.status = status;
	connection->attempt.first_byte = loop_now(connection->proxy->loop);
}

/* Bytes of the client that belong to the attempt. Those after a request do not. */
static uint64_t sent(const struct connection *connection)
{
	const struct log_attempt *attempt = &connection->attempt;
	uint64_t all = connection->relay.sent - attempt->sent;

	return attempt->tunnel ? all
			       : all + attempt->unconsumed -
					 buffer_length(connection->relay.client.in);
}

/* An address and its text. */
struct known_address {
	struct address address;
	char text[ADDRESS_TEXT_MAX]; /* empty: none yet */
};

/* Most requests go where the one before went. */
static const char *text_of(struct known_address *last, const struct address *address)
{
	if (!last->text[0] || !address_equal(&last->address, address)) {
		last->address = *address;
		address_format(address, last->text);
	}
	return last->text;
}

/* Adds the line, and ends the attempt. */
static void add(struct connection *connection, struct log_line *line)
{
	const struct relay *relay = &connection->relay;
	struct log_attempt *attempt = &connection->attempt;
	static struct known_address wanted, upstream;

	line->began = attempt->began;
	line->first_byte = attempt->first_byte;
	line->pid = connection->origin.pid;
	line->comm = line->pid ? connection->origin.comm : NULL;
	line->kind = attempt->tunnel ? LOG_TUNNEL : LOG_REQUEST;
	line->method = attempt->method[0] ? attempt->method : NULL;
	if (!attempt->tunnel)
		line->scheme = connection->secure ? "https" : "http";
	else if (line->port == PORT_HTTPS)
		line->scheme = "https";
	if (connection->proxy->settings->log_paths && connection->path[0])
		line->path = connection->path;
	if (!line->host.bytes && !connection->explicit)
		line->host = text_slice(
			text_of(&wanted, &connection->origin.destination.address));
	line->sent = sent(connection);
	line->received = relay->received + peer_unsent(&relay->client) - attempt->received;
	line->connected = attempt->connected;
	line->reused = attempt->reused;
	if (attempt->connected)
		line->upstream = text_of(&upstream, &connection->idle.address);
	request_log_add(connection->proxy->log, line);
	line->host = (struct slice){};
	line->upstream = NULL;
	attempt->open = false;
	attempt->detail = NULL;
}

static const char *detail(const struct connection *connection)
{
	const struct log_attempt *attempt = &connection->attempt;

	if (attempt->detail)
		return attempt->detail;
	if (!attempt->answered)
		return "the connection ended before there was an answer";
	return connection->state == STATE_EXCHANGE && !connection->response.body.complete
		       ? "the connection ended before the answer was whole"
		       : NULL;
}

void attempt_end(struct connection *connection)
{
	const struct log_attempt *attempt = &connection->attempt;
	struct log_line line = { .port = connection->port };

	if (!attempt->open)
		return;
	/* Without memory a request may end before the connection is for its host. */
	if (connection->state != STATE_HEAD)
		line.host = text_slice(connection->host.name);
	line.status = attempt->status;
	line.by = attempt->answered ? LOG_BY_SITE : LOG_BY_NOBODY;
	line.detail = detail(connection);
	if (connection->handshake.has_name)
		line.server_name = connection->host.name;
	add(connection, &line);
}

void attempt_refuse(
	struct connection *connection, const struct refusal_text *text, bool named)
{
	struct log_line line = { .port = text->port,
		.host = text_slice(text->name),
		.status = text->status,
		.by = LOG_BY_FENCE,
		.reason = text->reason,
		.detail = text->explanation,
		.more_detail = text->address };

	if (!connection->proxy->log)
		return;
	if (!connection->attempt.open)
		begin_at(connection, connection->attempt.began, 0);
	if (named && !text->name)
		line.host = text_slice(connection->host.name);
	if (!line.port && (named || !connection->explicit))
		line.port = connection->port;
	add(connection, &line);
}

void attempt_alert(struct connection *connection, enum reason reason, const char *name)
{
	struct log_line line = { .port = connection->port,
		.by = LOG_BY_FENCE,
		.reason = reason,
		.detail = connection->attempt.detail };

	if (!connection->proxy->log)
		return;
	attempt_begin_hello(connection);
	if (connection->handshake.has_name)
		line.server_name = name ? name : connection->host.name;
	line.host = text_slice(connection->connect || connection->handshake.named
				       ? connection->host.name
				       : line.server_name);
	add(connection, &line);
}

void attempt_turn_away(const struct proxy *proxy, const struct origin *origin)
{
	uint16_t port = ntohs(origin->destination.port);
	char wanted[ADDRESS_TEXT_MAX];
	struct log_line line = { .began = loop_now(proxy->loop),
		.pid = origin->pid,
		.comm = origin->comm,
		.kind = port == PORT_HTTPS ? LOG_TUNNEL : LOG_REQUEST,
		.scheme = port == PORT_HTTPS ? "https" : "http",
		.port = port,
		.by = LOG_BY_FENCE,
		.reason = REASON_LIMIT,
		.detail = "the job has too many connections" };

	if (!proxy->log)
		return;
	address_format(&origin->destination.address, wanted);
	line.host = text_slice(wanted);
	request_log_add(proxy->log, &line);
}

void connections_log(struct proxy *proxy)
{
	struct connection *connection = proxy->connections;

	/* The oldest first, which is the last of the list. */
	while (connection && connection->next)
		connection = connection->next;
	for (; connection; connection = connection->previous) {
		connection->attempt.detail = "the job ended";
		attempt_end(connection);
	}
}
