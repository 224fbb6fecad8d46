// SPDX-License-Identifier: BSD-2-Clause
/*
 * See http_request.h. The head is written anew, so nothing is passed on that was not
 * parsed.
 */

#include <string.h>
#include <strings.h>

#include "lib/cleanup.h"
#include "proxy/http_request.h"

static const char malformed_host[] = "the host is malformed";
static const char more_than_one_host[] = "there is more than one Host";
static const char hosts_disagree[] = "Host and the address of the request disagree";

static bool starts_with(const struct slice *slice, const char *text)
{
	size_t length = strlen(text);

	return slice->length >= length && !strncasecmp(slice->bytes, text, length);
}

/*
 * Returns the Host header, or NULL unless there is exactly one. `*count` is how many there
 * are.
 */
static const struct slice *find_host(const struct http_head *head, size_t *count)
{
	const struct slice *found = NULL;

	*count = 0;
	for (size_t i = 0; i < head->count; i++)
		if (field_is(&head->fields[i], "Host")) {
			found = &head->fields[i].value;
			(*count)++;
		}
	return *count == 1 ? found : NULL;
}

static const char *read_connect(const struct http_head *head, struct http_target *target)
{
	size_t count;
	const struct slice *value = find_host(head, &count);
	struct host host;
	uint16_t port;

	if (host_parse_with_port(
		    head->target.bytes, head->target.length, &target->host, &target->port))
		return malformed_host;
	if (!target->port)
		return "CONNECT needs a port";
	if (!http_head_is_all(head))
		return "CONNECT has no body";
	if (count > 1)
		return more_than_one_host;
	if (value && (host_parse_with_port(value->bytes, value->length, &host, &port) ||
			     !host_equal(&host, &target->host) ||
			     (port && port != target->port)))
		return hosts_disagree;
	target->connect = true;
	return NULL;
}

static const char *read_absolute(const struct http_head *head, const char *scheme,
	uint16_t default_port, struct http_target *target)
{
	const char *authority = head->target.bytes + strlen(scheme);
	size_t length = head->target.length - strlen(scheme), end = 0;

	while (end < length && authority[end] != '/' && authority[end] != '?')
		end++;
	target->path = (struct slice){ authority + end, length - end };
	if (host_parse_with_port(authority, end, &target->host, &target->port))
		return malformed_host;
	target->given_port = target->port;
	if (!target->port)
		target->port = default_port;
	return NULL;
}

static const char *read_authority(
	const struct http_head *head, uint16_t default_port, struct http_target *target)
{
	struct host host;
	uint16_t port;
	size_t count;
	const struct slice *value = find_host(head, &count);
	bool absolute = target->path.bytes != head->target.bytes;

	if (count > 1)
		return more_than_one_host;
	if (!value)
		return absolute && head->minor == 0 ? NULL : "there is no Host";
	if (host_parse_with_port(value->bytes, value->length, &host, &port))
		return malformed_host;
	/* The two agree. Some sites sign Host, so keep its port. */
	target->given_port = port;
	if (!absolute) {
		target->host = host;
		target->port = port ? port : default_port;
		return NULL;
	}
	if (!host_equal(&host, &target->host) ||
		(port ? port : default_port) != target->port)
		return hosts_disagree;
	return NULL;
}

const char *http_target_read(
	const struct http_head *head, uint16_t default_port, struct http_target *target)
{
	const struct slice *text = &head->target;
	bool secure = default_port == PORT_HTTPS;
	const char *problem = NULL, *scheme = secure ? "https://" : "http://";

	*target = (struct http_target){};
	if (memchr(text->bytes, '#', text->length))
		return "the address has a fragment";
	if (method_is(&head->method, "CONNECT"))
		return read_connect(head, target);
	if (starts_with(text, scheme))
		problem = read_absolute(head, scheme, default_port, target);
	else if (starts_with(text, "https://"))
		problem = "https goes through CONNECT, or straight to port 443";
	else if (text->bytes[0] == '/' ||
		 (slice_is(text, "*") && method_is(&head->method, "OPTIONS")))
		target->path = *text;
	else
		problem = secure ? "the address is neither a path nor https://"
				 : "the address is neither a path nor http://";
	return problem ? problem : read_authority(head, default_port, target);
}

/*
 * Writes the name that was checked, in one spelling, since servers compare names in
 * different ways. A port that was given stays, because some sites sign it.
 */
static bool write_host(const struct http_target *target, struct buffer *out)
{
	bool brackets =
		target->host.literal && memchr(target->host.name, ':', target->host.length);
	bool fits = buffer_append_text(out, brackets ? "Host: [" : "Host: ") &&
		    buffer_append(out, target->host.name, target->host.length) &&
		    (!brackets || buffer_append_text(out, "]"));

	if (fits && target->given_port)
		fits = buffer_append_text(out, ":") &&
		       buffer_append_number(out, target->given_port);
	return fits && buffer_append(out, "\r\n", 2);
}

/*
 * Whether servers take the method or the path from this field instead: Rails, Symfony,
 * Google's APIs, IIS and gateways. Without it the request means what its line says. judge.c
 * refuses fields that name a second path.
 */
static bool is_override(const struct http_field *field)
{
	static const char *const names[] = { "X-HTTP-Method-Override", "X-Method-Override",
		"X-HTTP-Method", "X-Method", "Method-Override", "X-Original-URL",
		"X-Original-URI", "X-Rewrite-URL", "X-Override-URL", "X-HTTP-Path-Override",
		"X-Forwarded-Path", "X-Forwarded-Prefix" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (field_is(field, names[i]))
			return true;
	return false;
}

/* Whether the proxy writes this field itself, or drops it. */
static bool is_ours(const struct http_head *head, const struct http_field *field,
	const struct http_target *target, const struct proxy_settings *settings)
{
	return (target->judged && is_override(field)) ||
	       secret_store_replaces(target->secrets, &target->host, field) ||
	       field_is(field, "Host") || field_is(field, "Content-Length") ||
	       (field_is(field, "Expect") && !head->expect_continue) ||
	       field_is(field, settings->header) || field_is_hop_by_hop(head, field);
}

static bool write_framing(const struct http_head *head, struct buffer *out)
{
	switch (head->framing) {
	case FRAMING_LENGTH:
		return buffer_append_text(out, "Content-Length: ") &&
		       buffer_append_number(out, head->content_length) &&
		       buffer_append_text(out, "\r\n");
	case FRAMING_CHUNKED:
		return buffer_append_text(out, "Transfer-Encoding: chunked\r\n");
	default:
		return true;
	}
}

/* A request with a body does not change the protocol. */
static bool asks_for_websocket(const struct http_head *head)
{
	return head->websocket && http_head_is_all(head);
}

bool http_request_is_last(const struct http_head *head)
{
	return !http_head_is_all(head);
}

bool http_request_write(const struct http_head *head, const struct http_target *target,
	const struct proxy_settings *settings, struct buffer *out)
{
	bool slash = !target->path.length ||
		     (target->path.bytes[0] != '/' && target->path.bytes[0] != '*');
	bool fits =
		buffer_append(out, head->method.bytes, head->method.length) &&
		buffer_append_text(out, slash ? " /" : " ") &&
		buffer_append(out, target->path.bytes, target->path.length) &&
		buffer_append_text(out, " HTTP/1.1\r\n") && write_host(target, out) &&
		/* Early: some servers read only so many fields and ignore the others. */
		buffer_append_text(out, settings->header) &&
		buffer_append_text(out, ": ") && buffer_append_text(out, settings->job) &&
		buffer_append_text(out, "\r\n") &&
		secret_store_write(target->secrets, target->due, out);

	for (size_t i = 0; fits && i < head->count; i++)
		if (!is_ours(head, &head->fields[i], target, settings))
			fits = field_write(&head->fields[i], out);
	if (fits && asks_for_websocket(head))
		fits = buffer_append_text(
			out, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
	else if (fits && http_request_is_last(head))
		fits = buffer_append_text(out, "Connection: close\r\n");
	return fits && write_framing(head, out) && buffer_append(out, "\r\n", 2);
}
