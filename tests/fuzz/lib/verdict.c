// SPDX-License-Identifier: BSD-2-Clause
/* See verdict.h. */

#include "verdict.h"

#include <stdlib.h>

#include "names/host.h"
#include "names/request_path.h"
#include "proxy/client_hello.h"
#include "secret_verdict.h"
#include "traffic.h"

#define PORT_HTTP  80
#define PORT_HTTPS 443

/*
 * What a client said and heard in clear, or inside TLS that OpenSSL spoke. Its requests are
 * for the sites that were reached in the same way.
 */
struct speech {
	const struct client *client;
	struct stream said, heard; /* parts of the client's */
	bool secure;
	struct reading reading; /* of what it said */
};

/* The world that is judged, and what its clients said. */
static const struct world *players;
static struct speech speeches[2 * CLIENTS_MAX];
static size_t speeches_count;

/* An alert of the proxy, without the last byte. */
static const char alert[] = { 21, 3, 3, 0, 2, 2 };

static bool slice_equal(const struct slice *a, const struct slice *b)
{
	return a->length == b->length && !memcmp(a->bytes, b->bytes, a->length);
}

static const struct http_field *field_of(
	const struct reading *reading, const struct message *message, size_t index)
{
	return &reading->fields[message->first + index];
}

/*
 * Whether this is our header. Any character may replace its dashes, since some servers
 * see no difference.
 */
static bool is_stamp(const struct slice *name)
{
	const char *stamp = world_settings.header;

	if (name->length != strlen(stamp))
		return false;
	for (size_t i = 0; i < name->length; i++) {
		unsigned char c = (unsigned char)name->bytes[i];

		if (stamp[i] == '-' ? (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
					      (c >= 'a' && c <= 'z')
				    : (c | 0x20) != (stamp[i] | 0x20))
			return false;
	}
	return true;
}

/*
 * The first field is the host that was dialled, the second is the header. Neither comes
 * again.
 */
static void require_stamped(const struct reading *heard, const struct message *message,
	const struct origin_server *origin)
{
	struct host host;
	uint16_t port;

	require(message->in_head >= 2 && message->count == message->in_head);
	for (size_t i = 0; i < message->count; i++) {
		const struct http_field *field = field_of(heard, message, i);

		require(slice_is(&field->name, "Host") == (i == 0));
		require(is_stamp(&field->name) == (i == 1));
		require(i != 1 || slice_is(&field->value, world_settings.job));
		if (i == 0)
			require(!host_parse_with_port(field->value.bytes,
					field->value.length, &host, &port) &&
				host_equal(&host, &origin->host) &&
				(!port || port == origin->port));
	}
}

/* Finds the host in a request of the job, and the target that the site should hear. */
static struct slice authority_of(const struct reading *said, const struct message *message,
	bool secure, struct slice *path)
{
	const char *scheme = secure ? "https://" : "http://";
	const struct slice *target = &message->target;
	size_t begin = strlen(scheme), end = begin;

	*path = *target;
	if (target->length > begin && !strncasecmp(target->bytes, scheme, begin)) {
		while (end < target->length && target->bytes[end] != '/' &&
			target->bytes[end] != '?')
			end++;
		*path = (struct slice){ target->bytes + end, target->length - end };
		return (struct slice){ target->bytes + begin, end - begin };
	}
	for (size_t i = 0; i < message->in_head; i++)
		if (slice_is(&field_of(said, message, i)->name, "Host"))
			return field_of(said, message, i)->value;
	return (struct slice){ 0 };
}

/* What goes upstream if the path was judged. */
static bool is_canonical(const struct slice *target, const struct slice *path)
{
	char *canonical = malloc(path->length + 1);
	size_t length;
	bool same;

	require(canonical);
	same = !request_path_canonical(path->bytes, path->length, canonical, &length) &&
	       length == target->length && !memcmp(canonical, target->bytes, length);
	free(canonical);
	return same;
}

/* The world has one rule: GET and POST for the path /a and what is below. */
static void require_judged(
	const struct message *message, const struct origin_server *origin)
{
	const struct slice *target = &message->target;
	size_t length = request_path_length(target->bytes, target->length);

	if (!world_judges(&origin->host))
		return;
	require(method_is(&message->method, "GET") || method_is(&message->method, "POST"));
	require(length >= 2 && !memcmp(target->bytes, "/a", 2));
	require(length == 2 || target->bytes[2] == '/');
}

static bool same_target(const struct reading *said, const struct message *asked,
	const struct message *passed, const struct origin_server *origin)
{
	struct slice path,
		authority = authority_of(said, asked, origin->far != NULL, &path);
	struct slice target = passed->target;
	struct host host;
	uint16_t port;

	while (authority.length && (authority.bytes[authority.length - 1] == ' ' ||
					   authority.bytes[authority.length - 1] == '\t'))
		authority.length--;
	if (!authority.length ||
		host_parse_with_port(authority.bytes, authority.length, &host, &port) ||
		!host_equal(&host, &origin->host) || (port && port != origin->port))
		return false;
	if (world_judges(&origin->host) || world_keeps_secret(&origin->host))
		return is_canonical(&target, &path);
	/*
	 * A target without a path, as in "http://a.test?a", goes upstream with "/" before
	 * it.
	 */
	if (target.length && (!path.length || path.bytes[0] == '?')) {
		target.bytes++;
		target.length--;
	}
	return slice_equal(&target, &path);
}

/* A body may be cut short, but only if the site notices that. */
static bool same_body(const struct reading *said, const struct message *asked,
	const struct reading *heard, const struct message *passed)
{
	if (passed->body_length > asked->body_length ||
		(passed->whole &&
			(!asked->whole || passed->body_length != asked->body_length)))
		return false;
	return !passed->body_length ||
	       !memcmp(heard->bodies.bytes + passed->body, said->bodies.bytes + asked->body,
		       passed->body_length);
}

static bool is_same(const struct reading *said, const struct message *asked,
	const struct reading *heard, const struct message *passed,
	const struct origin_server *origin)
{
	return asked->begun && slice_equal(&asked->method, &passed->method) &&
	       same_target(said, asked, passed, origin) &&
	       same_body(said, asked, heard, passed);
}

static bool is_repeatable(const struct message *message)
{
	return (method_is(&message->method, "GET") || method_is(&message->method, "HEAD") ||
		       method_is(&message->method, "OPTIONS")) &&
	       !message->body_length;
}

/* Whether all that was said to CONNECT to before a request is the host that has it. */
static bool is_connected(
	const struct reading *said, size_t count, const struct origin_server *origin)
{
	struct host host;
	uint16_t port;

	for (size_t i = 0; i < count; i++) {
		const struct slice *target = &said->messages[i].target;

		if (method_is(&said->messages[i].method, "CONNECT") &&
			(host_parse_with_port(
				 target->bytes, target->length, &host, &port) ||
				!host_equal(&host, &origin->host)))
			return false;
	}
	return true;
}

static bool begins_with(const char *bytes, size_t length, const char *start, size_t most)
{
	return length <= most && (!length || !memcmp(bytes, start, length));
}

/* Whether the bytes after a change to websocket are those that the job said then. */
static bool is_tunnel(const struct speech *speech, const struct origin_server *origin,
	const struct message *asked, const struct message *passed)
{
	size_t rest = origin->heard.length - passed->end;

	return asked->upgrade && passed->upgrade && asked->whole && origin->said.length &&
	       memmem(origin->said.bytes, origin->said.length, " 101 ", 5) &&
	       begins_with(origin->heard.bytes + passed->end, rest,
		       speech->said.bytes + asked->end, speech->said.length - asked->end);
}

/*
 * If a strict reader can't read a site's answers, the request to them was the last on its
 * connection.
 */
static void require_left(const struct reading *heard, const struct origin_server *origin)
{
	struct reading said;
	size_t whole = 0;

	traffic_read_responses(&said, &origin->said, heard);
	for (size_t i = 0; i < said.count; i++)
		whole += said.messages[i].whole && said.messages[i].status >= 200;
	require(!said.malformed || said.full || heard->count <= whole + 1 ||
		(origin->far && origin->far->unsure));
	traffic_free(&said);
}

/* A request that a client said. */
struct found {
	const struct speech *speech;
	size_t index;
};

/*
 * Finds a request on a connection that clients may have shared. Of several, it is the one
 * whose bytes follow a change to websocket. Returns false also if one of them said too much
 * to be read.
 */
static bool find_shared(const struct reading *heard, const struct message *passed,
	const struct origin_server *origin, struct found *found)
{
	bool full = false, any = false;

	for (size_t i = 0; i < speeches_count; i++) {
		const struct reading *said = &speeches[i].reading;

		if (speeches[i].secure != (origin->far != NULL))
			continue;
		full |= said->full;
		for (size_t k = 0; k < said->count; k++) {
			if (!is_same(said, &said->messages[k], heard, passed, origin) ||
				!is_connected(said, k, origin))
				continue;
			if (!any ||
				is_tunnel(&speeches[i], origin, &said->messages[k], passed))
				*found = (struct found){ &speeches[i], k };
			any = true;
		}
	}
	require(any || full);
	return any;
}

/*
 * Checks the requests that a site heard. Each has to be one that the job said, at `*next`
 * or later. The first on a connection may repeat the last of the connection before it,
 * which was idle and gone.
 */
static void require_requests(
	const struct speech *speech, const struct origin_server *origin, size_t *next)
{
	const struct reading *said = &speech->reading;
	struct reading heard;

	traffic_read_requests(&heard, &origin->heard, false);
	for (size_t i = 0; i < heard.count; i++) {
		const struct message *passed = &heard.messages[i];
		struct found found = { speech, 0 };
		size_t k = *next;

		if (!passed->begun)
			break;
		require_stamped(&heard, passed, origin);
		require_judged(passed, origin);
		secret_require_set(&heard, passed, origin);
		if (players->shared) {
			if (!find_shared(&heard, passed, origin, &found))
				break;
			said = &found.speech->reading;
			if (is_tunnel(found.speech, origin, &said->messages[found.index],
				    passed)) {
				heard.malformed = false;
				break;
			}
			continue;
		}
		if (i == 0 && k > 0 && is_repeatable(passed))
			k--;
		while (k < said->count &&
			!is_same(said, &said->messages[k], &heard, passed, origin))
			k++;
		if (k == said->count && said->full)
			break;
		require(k < said->count);
		require(is_connected(said, k, origin));
		*next = k + 1;
		if (is_tunnel(speech, origin, &said->messages[k], passed)) {
			heard.malformed = false;
			break;
		}
	}
	require(!heard.malformed || heard.full || said->full);
	require_left(&heard, origin);
	traffic_free(&heard);
}

/*
 * Whether a hello has the name of the host and no other. It has no name if the host is an
 * address.
 */
static bool hello_agrees(
	const unsigned char *bytes, size_t length, const struct host *host, size_t *end)
{
	bool encrypted;
	struct host name;

	switch (hello_parse(bytes, length, &name, &encrypted, end)) {
	case HELLO_NAME:
		return !encrypted && host_equal(&name, host);
	case HELLO_NO_NAME:
		return !encrypted && host->literal;
	case HELLO_MORE:
		*end = length;
		return true;
	default:
		return false;
	}
}

/* Whether the site heard what the job said, from some byte on. */
static bool is_said(const struct client *client, const struct reading *said,
	const struct origin_server *origin)
{
	if (client->port == PORT_HTTPS)
		return begins_with(origin->heard.bytes, origin->heard.length,
			client->said.bytes, client->said.length);
	for (size_t i = 0; i < said->count; i++) {
		const struct message *message = &said->messages[i];

		if (method_is(&message->method, "CONNECT") && message->whole &&
			begins_with(origin->heard.bytes, origin->heard.length,
				client->said.bytes + message->end,
				client->said.length - message->end))
			return true;
	}
	return false;
}

/* Whether a hello offers a session to be resumed. */
static bool offers_session(const unsigned char *hello, size_t length)
{
	static struct hello_offer offer;

	return hello_parse_offer(hello, length, &offer) &&
	       (offer.id_length || offer.ticket_length);
}

static void require_tls(const struct client *client, const struct reading *said,
	const struct origin_server *origin)
{
	const unsigned char *heard = (const unsigned char *)origin->heard.bytes;
	size_t length = origin->heard.length, end = 0, skip;
	enum server_hello_result answer;
	struct server_hello hello;

	require(!world_judges(&origin->host));
	require(!world_opens(&origin->host));
	/* Records of OpenSSL are not in what was said. */
	require(client->far || is_said(client, said, origin));
	require(hello_agrees(heard, length, &origin->host, &end));
	require(end == length || origin->spoke);
	answer = server_hello_parse(
		(const unsigned char *)origin->said.bytes, origin->said.length, &hello);
	require(answer != SERVER_HELLO_RESUMED || end == length ||
		offers_session(heard, length));
	if (answer != SERVER_HELLO_RETRY)
		return;
	skip = hello_skip(heard + end, length - end);
	require(hello_agrees(heard + end + skip, length - end - skip, &origin->host, &end));
}

/* The job heard what a site said, an alert of the proxy, or both. */
static void require_tunnelled(const struct client *client, size_t begin)
{
	const struct origin_server *origin =
		client->count ? &client->origins[client->count - 1] : NULL;
	const char *heard = client->heard.bytes + begin;
	size_t length = client->heard.length - begin;

	/*
	 * The proxy opens the TLS of a client that does not speak by OpenSSL. What follows
	 * of one that does is in records.
	 */
	if (client->far || (heard[0] == 0x16 && !client->count))
		return;
	if (origin && origin->port == PORT_HTTPS &&
		begins_with(heard, length, origin->said.bytes, origin->said.length))
		return;
	require(length >= sizeof(alert) + 1);
	length -= sizeof(alert) + 1;
	require(!memcmp(heard + length, alert, sizeof(alert)));
	require(!length || (origin && begins_with(heard, length, origin->said.bytes,
					      origin->said.length)));
}

static bool contains(const struct stream *stream, const char *text)
{
	return stream->length && memmem(stream->bytes, stream->length, text, strlen(text));
}

/* The proxy's own text comes only with an error, unless a site says the same. */
static void require_errors(const struct client *client, const struct reading *heard)
{
	static const char words[] = "jobfence: network: job ";

	for (size_t i = 0; i < client->count; i++)
		if (contains(&client->origins[i].said, words))
			return;
	for (size_t i = 0; i < heard->count; i++) {
		const struct message *message = &heard->messages[i];

		require(message->status >= 400 ||
			message->body_length < sizeof(words) - 1 ||
			memcmp(heard->bodies.bytes + message->body, words,
				sizeof(words) - 1) != 0);
	}
}

/*
 * The job heard one final response for each request, or for a malformed one, and nothing
 * else.
 */
static void require_responses(const struct speech *speech)
{
	const struct client *client = speech->client;
	const struct reading *said = &speech->reading;
	const struct message *last;
	struct reading heard;

	traffic_read_responses(&heard, &speech->heard, said);
	last = heard.count ? &heard.messages[heard.count - 1] : NULL;
	/*
	 * The proxy may refuse a head of HEAD before it is read. The answer then has a
	 * body, and is the last one.
	 */
	require(!heard.malformed || heard.full ||
		(last && (last->status == 400 || last->status == 431)));
	require(heard.answered <= said->count + 1 || said->full);
	require_errors(client, &heard);
	if (!speech->secure && last && last->whole && last->status == 200 &&
		last->end < speech->heard.length)
		require_tunnelled(client, last->end);
	traffic_free(&heard);
}

/* TLS that is opened is for one name, on both sides and in CONNECT. */
static void require_one_name(const struct speech *clear, const struct origin_server *origin)
{
	const struct far_end *far = clear->client->far;

	require(far && origin->far);
	require(origin->port == PORT_HTTPS && world_opens(&origin->host));
	require(!strcmp(far->name, origin->host.name));
	require(!strcmp(origin->far->name, origin->host.name));
	require(origin->far->way != FAR_OTHER_NAME && origin->far->way != FAR_UNKNOWN &&
		origin->far->way != FAR_ANCIENT);
	require(is_connected(&clear->reading, clear->reading.count, origin));
}

/* `clear` is what the client of the speech said in clear, which may be the same. */
static void judge(const struct speech *speech, const struct speech *clear)
{
	const struct client *client = speech->client;
	size_t next = 0;
	bool tls = false;

	for (size_t i = 0; i < client->count; i++) {
		const struct origin_server *origin = &client->origins[i];

		require(origin->port == PORT_HTTP || origin->port == PORT_HTTPS);
		/*
		 * Nothing comes after TLS. Of several addresses only one was connected.
		 */
		if (!origin->heard.length || speech->secure != (origin->far != NULL))
			continue;
		require(!tls);
		tls = origin->port == PORT_HTTPS && !origin->far;
		if (speech->secure)
			require_one_name(clear, origin);
		if (tls)
			require_tls(client, &speech->reading, origin);
		else
			require_requests(speech, origin, &next);
	}
	if (speech->heard.length && speech->said.length && speech->said.bytes[0] == 0x16)
		require_tunnelled(client, 0);
	else
		require_responses(speech);
}

static struct stream part(const struct stream *stream, size_t begin, size_t end)
{
	return (struct stream){ .bytes = stream->bytes ? stream->bytes + begin : NULL,
		.length = end - begin };
}

static void listen_to(const struct client *client, bool secure)
{
	struct speech *speech = &speeches[speeches_count++];
	size_t said = client->far ? client->said_before : client->said.length;
	size_t heard = client->far ? client->heard_before : client->heard.length;

	*speech = (struct speech){ .client = client, .secure = secure };
	speech->said = secure ? part(&client->said, said, client->said.length)
			      : part(&client->said, 0, said);
	speech->heard = secure ? part(&client->heard, heard, client->heard.length)
			       : part(&client->heard, 0, heard);
	traffic_read_requests(&speech->reading, &speech->said, true);
}

void verdict(const struct world *world)
{
	players = world;
	speeches_count = 0;
	for (size_t i = 0; i < world->count; i++) {
		listen_to(&world->clients[i], false);
		listen_to(&world->clients[i], true);
	}
	for (size_t i = 0; i < speeches_count; i++)
		judge(&speeches[i], &speeches[i & ~1UL]);
	for (size_t i = 0; i < world->count; i++)
		require(!world->clients[i].far || !far_end_doubts(world->clients[i].far));
	secret_require_kept(world);
	for (size_t i = 0; i < speeches_count; i++)
		traffic_free(&speeches[i].reading);
}
