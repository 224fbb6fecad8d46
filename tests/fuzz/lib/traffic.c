// SPDX-License-Identifier: BSD-2-Clause
/*
 * See traffic.h. llhttp gets the whole stream at once, so it reports each value in one
 * piece.
 */

#include "traffic.h"

#include <llhttp.h>

struct parser {
	llhttp_t llhttp; /* the first field, since llhttp's callbacks get its address */
	struct reading *reading;
	bool another_protocol;
};

static struct reading *reading_of(llhttp_t *llhttp)
{
	return ((struct parser *)llhttp)->reading;
}

static struct message *message_of(llhttp_t *llhttp)
{
	struct reading *reading = reading_of(llhttp);

	return &reading->messages[reading->count - 1];
}

static int on_begin(llhttp_t *llhttp)
{
	struct reading *reading = reading_of(llhttp);
	struct message *message = &reading->messages[reading->count];

	if (reading->count == MESSAGES_MAX) {
		reading->full = true;
		return -1;
	}
	*message = (struct message){ .first = reading->fields_count,
		.body = reading->bodies.length };
	reading->count++;
	return 0;
}

/* A token of RFC 9110 section 5.6.2 and a blank. Returns its length, or 0. */
static size_t method_length(const char *at, const char *end)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const char *start = at;

	while (at < end && *at && strchr(token, *at))
		at++;
	return at < end && *at == ' ' ? (size_t)(at - start) : 0;
}

static int on_url(llhttp_t *llhttp, const char *at, size_t length)
{
	message_of(llhttp)->target = (struct slice){ at, length };
	return 0;
}

static int on_field(llhttp_t *llhttp, const char *at, size_t length)
{
	struct reading *reading = reading_of(llhttp);

	if (reading->fields_count == reading->fields_room) {
		reading->fields_room = 2 * reading->fields_room + 32;
		reading->fields = realloc(
			reading->fields, reading->fields_room * sizeof(*reading->fields));
		require(reading->fields);
	}
	reading->fields[reading->fields_count++] =
		(struct http_field){ .name = { at, length } };
	message_of(llhttp)->count++;
	return 0;
}

/* A folded value comes in pieces, so the value reaches from the first to the last. */
static int on_value(llhttp_t *llhttp, const char *at, size_t length)
{
	struct reading *reading = reading_of(llhttp);
	struct slice *value = &reading->fields[reading->fields_count - 1].value;

	if (!value->bytes)
		value->bytes = at;
	value->length = (size_t)(at + length - value->bytes);
	return 0;
}

/*
 * The request that the response in a parser answers. NULL: it is unknown, or its head is
 * not complete.
 */
static const struct message *request_of(const struct reading *reading)
{
	const struct message *request = &reading->requests->messages[reading->answered];

	return reading->answered < reading->requests->count && request->begun ? request
									      : NULL;
}

/* Whether TLS follows a response. */
static bool opens_tunnel(const struct message *request, unsigned status)
{
	static const char port[] = "443";
	const struct slice *target = &request->target;
	size_t length = strlen(port), at = target->length - length;

	if (status / 100 != 2 || !method_is(&request->method, "CONNECT") ||
		target->length <= length || memcmp(target->bytes + at, port, length) != 0)
		return false;
	/* A port may begin with zeros (RFC 3986 section 3.2.3). */
	while (at > 1 && target->bytes[at - 1] == '0')
		at--;
	return target->bytes[at - 1] == ':';
}

static int on_head(llhttp_t *llhttp)
{
	struct message *message = message_of(llhttp);
	struct parser *parser = (struct parser *)llhttp;
	const struct message *request;

	message->begun = true;
	message->in_head = message->count;
	message->status = llhttp->status_code;
	message->upgrade = llhttp->upgrade;
	if (llhttp->type == HTTP_REQUEST)
		return 0;
	request = request_of(parser->reading);
	parser->another_protocol = message->status == 101 ||
				   (request && opens_tunnel(request, message->status));
	llhttp->upgrade = 0;
	if (message->status >= 200)
		parser->reading->answered++;
	return request && (method_is(&request->method, "HEAD") ||
				  (method_is(&request->method, "CONNECT") &&
					  message->status / 100 == 2));
}

static int on_body(llhttp_t *llhttp, const char *at, size_t length)
{
	stream_append(&reading_of(llhttp)->bodies, at, length);
	message_of(llhttp)->body_length += length;
	return 0;
}

static int on_complete(llhttp_t *llhttp)
{
	message_of(llhttp)->whole = true;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_message_begin = on_begin,
	.on_url = on_url,
	.on_header_field = on_field,
	.on_header_value = on_value,
	.on_headers_complete = on_head,
	.on_body = on_body,
	.on_message_complete = on_complete,
};

/*
 * Begins a request. llhttp knows only some methods, so it gets GET in place of any method
 * but CONNECT. Readers do not agree on "connect", so it is malformed. Returns where the
 * request goes on, or NULL if it is malformed or not there yet.
 */
static const char *begin_request(struct parser *parser, const char *at, const char *end)
{
	struct reading *reading = parser->reading;
	enum llhttp_errno error;
	struct slice method;
	const char *known;

	while (at < end && (*at == '\r' || *at == '\n'))
		at++;
	method = (struct slice){ at, method_length(at, end) };
	if (!method.length ||
		(slice_is(&method, "CONNECT") && !method_is(&method, "CONNECT"))) {
		reading->malformed =
			at < end && (method.length || memchr(at, '\n', (size_t)(end - at)));
		return NULL;
	}
	known = method_is(&method, "CONNECT") ? "CONNECT" : "GET";
	error = llhttp_execute(&parser->llhttp, known, strlen(known));
	/* llhttp stops once more after a CONNECT, before it reads on. */
	if (error == HPE_PAUSED_UPGRADE) {
		llhttp_resume_after_upgrade(&parser->llhttp);
		error = llhttp_execute(&parser->llhttp, known, strlen(known));
	}
	if (error != HPE_OK) {
		reading->malformed = true;
		return NULL;
	}
	message_of(&parser->llhttp)->method = method;
	return at + method.length;
}

/* Reads message by message. llhttp pauses after each, and reports the position. */
static void run(struct parser *parser)
{
	struct reading *reading = parser->reading;
	const char *at = reading->bytes, *end = at;

	if (reading->length)
		end += reading->length;
	while (at < end && !parser->another_protocol) {
		enum llhttp_errno error;

		if (parser->llhttp.type == HTTP_REQUEST)
			at = begin_request(parser, at, end);
		if (!at)
			return;
		error = llhttp_execute(&parser->llhttp, at, (size_t)(end - at));
		if (error == HPE_OK)
			return;
		if (error != HPE_PAUSED && error != HPE_PAUSED_UPGRADE) {
			reading->malformed = true;
			return;
		}
		at = llhttp_get_error_pos(&parser->llhttp);
		message_of(&parser->llhttp)->end = (size_t)(at - reading->bytes);
		if (error == HPE_PAUSED)
			llhttp_resume(&parser->llhttp);
		else
			llhttp_resume_after_upgrade(&parser->llhttp);
	}
}

void traffic_read_requests(
	struct reading *reading, const struct stream *stream, bool patient)
{
	struct parser parser = { .reading = reading };

	*reading = (struct reading){ .bytes = stream->bytes, .length = stream->length };
	llhttp_init(&parser.llhttp, HTTP_REQUEST, &settings);
	llhttp_set_lenient_keep_alive(&parser.llhttp, patient);
	run(&parser);
}

void traffic_read_responses(struct reading *reading, const struct stream *stream,
	const struct reading *requests)
{
	struct parser parser = { .reading = reading };

	*reading = (struct reading){
		.bytes = stream->bytes, .length = stream->length, .requests = requests
	};
	llhttp_init(&parser.llhttp, HTTP_RESPONSE, &settings);
	run(&parser);
}

void traffic_free(struct reading *reading)
{
	free(reading->fields);
	stream_free(&reading->bodies);
}
