// SPDX-License-Identifier: BSD-2-Clause
/*
 * The head is found first, by its empty line. Then llhttp gets it in one piece, so every
 * slice lies in one buffer. llhttp accepts some things for the sake of others. They are
 * checked after it.
 */

#include <errno.h>
#include <llhttp.h>
#include <string.h>

#include "lib/blank.h"
#include "lib/cleanup.h"
#include "proxy/http_head.h"

int http_head_find(const char *bytes, size_t length, size_t *scanned)
{
	for (size_t i = *scanned; i < length; i++) {
		if (bytes[i] == '\0')
			return -EBADMSG;
		/* Not all readers read a CR in the middle of a line alike. */
		if (bytes[i] != '\n') {
			if (i && bytes[i - 1] == '\r')
				return -EBADMSG;
			continue;
		}
		/*
		 * Others may read a line that does not end in CR LF as two lines, or not at
		 * all.
		 */
		if (i == 0 || bytes[i - 1] != '\r')
			return -EBADMSG;
		if (i >= 3 && bytes[i - 2] == '\n' && bytes[i - 3] == '\r')
			return (int)i + 1;
	}
	*scanned = length;
	return 0;
}

static char lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

/* `c` is not an upper case letter. */
static bool is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool slice_is(const struct slice *slice, const char *text)
{
	size_t i = 0;

	for (; i < slice->length && text[i]; i++)
		if (lower(slice->bytes[i]) != lower(text[i]))
			return false;
	return i == slice->length && !text[i];
}

bool slice_contains(const struct slice *slice, const char *text)
{
	size_t length = strlen(text);

	for (size_t i = 0; i + length <= slice->length; i++)
		if (!strncasecmp(slice->bytes + i, text, length))
			return true;
	return false;
}

bool method_is(const struct slice *method, const char *name)
{
	return method->length == strlen(name) &&
	       !memcmp(method->bytes, name, method->length);
}

bool slice_is_token(const struct slice *slice)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < slice->length; i++)
		if (!is_alphanumeric(lower(slice->bytes[i])) &&
			!memchr(others, slice->bytes[i], sizeof(others) - 1))
			return false;
	return slice->length;
}

bool slice_is_clean(const struct slice *slice)
{
	for (size_t i = 0; i < slice->length; i++) {
		unsigned char c = (unsigned char)slice->bytes[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

void slice_trim(struct slice *slice)
{
	while (slice->length && is_blank(slice->bytes[0])) {
		slice->bytes++;
		slice->length--;
	}
	while (slice->length && is_blank(slice->bytes[slice->length - 1]))
		slice->length--;
}

bool name_matches(const char *bytes, const char *name)
{
	for (size_t i = 0; name[i]; i++) {
		char c = lower(bytes[i]), wanted = lower(name[i]);

		if (c != wanted && (is_alphanumeric(c) || is_alphanumeric(wanted)))
			return false;
	}
	return true;
}

/* Takes the next element from a list. Returns false at its end. */
static bool next_token(struct slice *list, struct slice *token)
{
	const char *comma;

	if (!list->length)
		return false;
	comma = memchr(list->bytes, ',', list->length);
	token->bytes = list->bytes;
	token->length = comma ? (size_t)(comma - list->bytes) : list->length;
	list->bytes += token->length + (comma != NULL);
	list->length -= token->length + (comma != NULL);
	slice_trim(token);
	return true;
}

/* Whether a list of tokens separated by commas has that one (RFC 9110 section 5.6.1). */
static bool slice_has_token(const struct slice *list, const char *wanted)
{
	struct slice rest = *list, token;

	while (next_token(&rest, &token))
		if (slice_is(&token, wanted))
			return true;
	return false;
}

static bool connection_names(const struct http_head *head, const struct slice *name)
{
	for (size_t i = 0; i < head->count; i++) {
		struct slice rest = head->fields[i].value, token;

		if (!field_is(&head->fields[i], "Connection"))
			continue;
		while (next_token(&rest, &token))
			if (token.length == name->length &&
				!strncasecmp(token.bytes, name->bytes, name->length))
				return true;
	}
	return false;
}

bool field_is_hop_by_hop(const struct http_head *head, const struct http_field *field)
{
	static const char *const names[] = { "Connection", "Keep-Alive", "Proxy-Connection",
		"Proxy-Authorization", "Proxy-Authenticate", "TE", "Trailer",
		"Transfer-Encoding", "Upgrade", "HTTP2-Settings" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (field_is(field, names[i]))
			return true;
	return connection_names(head, &field->name);
}

struct parse {
	llhttp_t llhttp; /* first: llhttp's callbacks get its address */
	struct http_head *head;
	bool done;
};

static struct http_head *head_of(llhttp_t *llhttp)
{
	return ((struct parse *)llhttp)->head;
}

static int on_url(llhttp_t *llhttp, const char *at, size_t length)
{
	head_of(llhttp)->target = (struct slice){ at, length };
	return 0;
}

static int on_field(llhttp_t *llhttp, const char *at, size_t length)
{
	struct http_head *head = head_of(llhttp);

	if (head->count == HTTP_FIELDS_MAX)
		return -1;
	head->fields[head->count++] = (struct http_field){ .name = { at, length } };
	return 0;
}

static int on_value(llhttp_t *llhttp, const char *at, size_t length)
{
	struct http_head *head = head_of(llhttp);
	struct slice *value = &head->fields[head->count - 1].value;

	/* A value in two pieces was folded over lines. */
	if (value->bytes)
		return -1;
	*value = (struct slice){ at, length };
	slice_trim(value);
	return 0;
}

static int on_headers_complete(llhttp_t *llhttp)
{
	((struct parse *)llhttp)->done = true;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_url = on_url,
	.on_header_field = on_field,
	.on_header_value = on_value,
	.on_headers_complete = on_headers_complete,
};

/* There is one blank on either side of the target. llhttp accepts more. */
static bool line_is_strict(const struct http_head *head)
{
	const struct slice *method = &head->method, *target = &head->target;

	return method->bytes + method->length + 1 == target->bytes &&
	       target->bytes[target->length] == ' ' &&
	       target->bytes[target->length + 1] == 'H';
}

static bool parse_length(const struct slice *value, uint64_t *length)
{
	uint64_t sum = 0;

	/* 18 digits make an exabyte, and do not overflow. */
	if (!value->length || value->length > 18)
		return false;
	for (size_t i = 0; i < value->length; i++) {
		if (value->bytes[i] < '0' || value->bytes[i] > '9')
			return false;
		sum = sum * 10 + (uint64_t)(value->bytes[i] - '0');
	}
	*length = sum;
	return true;
}

/*
 * Reads Content-Length and Transfer-Encoding. There may be one of them, once, in the one
 * form that all read alike. Some servers read "Content_Length" as Content-Length.
 */
static int read_framing(struct http_head *head)
{
	bool length = false, chunked = false;

	for (size_t i = 0; i < head->count; i++) {
		const struct http_field *field = &head->fields[i];

		if (field_is(field, "Content-Length")) {
			if (length || !slice_is(&field->name, "Content-Length") ||
				!parse_length(&field->value, &head->content_length))
				return -EBADMSG;
			length = true;
		} else if (field_is(field, "Transfer-Encoding")) {
			if (chunked || !slice_is(&field->name, "Transfer-Encoding") ||
				!slice_is(&field->value, "chunked"))
				return -EBADMSG;
			chunked = true;
		}
	}
	if (chunked && (length || head->minor == 0))
		return -EBADMSG;
	head->framing = chunked ? FRAMING_CHUNKED : length ? FRAMING_LENGTH : FRAMING_NONE;
	return 0;
}

/*
 * A response may repeat its length, in one field or in several. All lengths have to be
 * equal.
 */
static bool read_lengths(struct http_head *head, const struct slice *value, size_t *count)
{
	struct slice rest = *value, token;
	uint64_t length;

	if (!value->length)
		return false;
	while (next_token(&rest, &token)) {
		if (!parse_length(&token, &length) ||
			(*count && length != head->content_length))
			return false;
		head->irregular |= token.length != value->length;
		head->content_length = length;
		++*count;
	}
	return true;
}

/*
 * The coding "identity" has no effect. A coding other than chunked would be lost with the
 * field.
 */
static bool read_codings(struct http_head *head, const struct slice *value, size_t *chunked)
{
	struct slice rest = *value, token;

	while (next_token(&rest, &token)) {
		if (slice_is(&token, "chunked"))
			++*chunked;
		else if (slice_is(&token, "identity"))
			head->irregular = true;
		else
			return false;
	}
	return *chunked <= 1;
}

/* Chunks go before a length (RFC 9112 section 6.3). */
static int read_answer_framing(struct http_head *head)
{
	size_t lengths = 0, chunked = 0;

	for (size_t i = 0; i < head->count; i++) {
		const struct http_field *field = &head->fields[i];

		if (slice_is(&field->name, "Content-Length") &&
			!read_lengths(head, &field->value, &lengths))
			return -EBADMSG;
		if (slice_is(&field->name, "Transfer-Encoding") &&
			!read_codings(head, &field->value, &chunked))
			return -EBADMSG;
	}
	if (lengths > 1 || (chunked && (lengths || head->minor == 0)))
		head->irregular = true;
	head->framing = chunked	  ? FRAMING_CHUNKED
			: lengths ? FRAMING_LENGTH
				  : FRAMING_CLOSE;
	return 0;
}

static bool connection_is_short(const struct http_head *head)
{
	size_t count = 0;

	for (size_t i = 0; i < head->count; i++) {
		struct slice rest = head->fields[i].value, token;

		if (!field_is(&head->fields[i], "Connection"))
			continue;
		while (next_token(&rest, &token))
			if (++count > HTTP_CONNECTION_MAX)
				return false;
	}
	return true;
}

static void read_connection(struct http_head *head)
{
	bool upgrade = false, websocket = false;

	head->keep_alive = head->minor > 0;
	for (size_t i = 0; i < head->count; i++) {
		const struct http_field *field = &head->fields[i];

		if (field_is(field, "Connection") || field_is(field, "Proxy-Connection")) {
			if (slice_has_token(&field->value, "close"))
				head->keep_alive = false;
			else if (head->minor == 0 &&
				 slice_has_token(&field->value, "keep-alive"))
				head->keep_alive = true;
		}
		if (field_is(field, "Connection") &&
			slice_has_token(&field->value, "upgrade"))
			upgrade = true;
		if (field_is(field, "Upgrade") && slice_is(&field->value, "websocket"))
			websocket = true;
		if (field_is(field, "Expect") && slice_is(&field->value, "100-continue"))
			head->expect_continue = true;
	}
	head->websocket = upgrade && websocket;
}

/* The word may be in another challenge. Then a connection is not shared that might be. */
bool http_head_logs_in(const struct http_head *head)
{
	for (size_t i = 0; i < head->count; i++) {
		const struct http_field *field = &head->fields[i];

		if ((field_is(field, "Authorization") ||
			    field_is(field, "WWW-Authenticate") ||
			    field_is(field, "Proxy-Authorization") ||
			    field_is(field, "Proxy-Authenticate")) &&
			(slice_contains(&field->value, "NTLM") ||
				slice_contains(&field->value, "Nego")))
			return true;
	}
	return false;
}

/* Whether the values have no control bytes. llhttp accepts those, but a server may not. */
static bool values_are_clean(const struct http_head *head)
{
	for (size_t i = 0; i < head->count; i++)
		if (!slice_is_clean(&head->fields[i].value))
			return false;
	return true;
}

void http_head_reset(struct http_head *head, bool response)
{
	memset(head, 0, offsetof(struct http_head, fields));
	head->response = response;
	head->count = 0;
	head->content_length = 0;
	head->keep_alive = head->websocket = head->expect_continue = false;
	head->irregular = false;
}

int http_head_finish(struct http_head *head)
{
	int error = head->response ? read_answer_framing(head) : read_framing(head);

	if (error)
		return error;
	if (!connection_is_short(head))
		return -E2BIG;
	read_connection(head);
	return values_are_clean(head) ? 0 : -EBADMSG;
}

/*
 * Reads the method, which is a token. "connect" is refused, since some servers take it for
 * CONNECT, which is another kind of request.
 */
static bool read_method(struct http_head *head, const char *bytes, size_t length)
{
	const char *blank = memchr(bytes, ' ', length);

	head->method = (struct slice){ bytes, blank ? (size_t)(blank - bytes) : 0 };
	return slice_is_token(&head->method) &&
	       (method_is(&head->method, "CONNECT") || !slice_is(&head->method, "CONNECT"));
}

/*
 * llhttp knows only some methods. The rest of the line is the same for all but CONNECT.
 * So llhttp gets GET instead of any other.
 */
static enum llhttp_errno execute(llhttp_t *llhttp, const char *bytes, size_t length)
{
	const size_t method = head_of(llhttp)->method.length;

	if (method_is(&head_of(llhttp)->method, "CONNECT"))
		return llhttp_execute(llhttp, bytes, length);
	llhttp_execute(llhttp, "GET", 3);
	return llhttp_execute(llhttp, bytes + method, length - method);
}

int http_head_parse(const char *bytes, size_t length, struct http_head *head)
{
	struct parse parse = { .head = head };
	enum llhttp_errno error;

	http_head_reset(head, false);
	if (!read_method(head, bytes, length))
		return -EBADMSG;
	llhttp_init(&parse.llhttp, HTTP_REQUEST, &settings);
	error = execute(&parse.llhttp, bytes, length);
	if (error != HPE_PAUSED || !parse.done)
		return head->count == HTTP_FIELDS_MAX ? -E2BIG : -EBADMSG;
	if (parse.llhttp.http_major != 1 || parse.llhttp.http_minor > 1 ||
		!line_is_strict(head))
		return -EBADMSG;
	head->minor = parse.llhttp.http_minor;
	return http_head_finish(head);
}

bool field_write(const struct http_field *field, struct buffer *out)
{
	return buffer_append(out, field->name.bytes, field->name.length) &&
	       buffer_append(out, ": ", 2) &&
	       buffer_append(out, field->value.bytes, field->value.length) &&
	       buffer_append(out, "\r\n", 2);
}
