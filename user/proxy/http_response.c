// SPDX-License-Identifier: BSD-2-Clause
/* See http_response.h. */

#include "proxy/http_response.h"

enum http_framing http_response_framing(
	const struct http_head *head, const struct http_asked *asked)
{
	if (asked->head || head->status < 200 || head->status == 204 || head->status == 304)
		return FRAMING_NONE;
	return head->framing;
}

/* These have neither a body nor a length (RFC 9110 section 8.6). */
static bool is_bodiless(const struct http_head *head)
{
	return head->status < 200 || head->status == 204;
}

bool http_response_misleads(const struct http_head *head)
{
	return is_bodiless(head) &&
	       (head->framing == FRAMING_CHUNKED ||
		       (head->framing == FRAMING_LENGTH && head->content_length));
}

/* The reason phrase is for people, and optional. */
static bool write_status(
	const struct http_head *head, struct secret_store *secrets, struct buffer *out)
{
	static const struct slice none;
	const struct slice *reason =
		secret_store_is_in(secrets, &head->reason) ? &none : &head->reason;

	/* A status has three digits, and is 100 at least. */
	return buffer_append_text(out, "HTTP/1.1 ") &&
	       buffer_append_number(out, head->status) && buffer_append_text(out, " ") &&
	       buffer_append(out, reason->bytes, reason->length) &&
	       buffer_append(out, "\r\n", 2);
}

/*
 * Whether a program could take a field of the site for the fence's own word. A site may
 * have a Proxy-Status of other proxies (RFC 9209), but none that names ours.
 */
static bool poses_as_ours(const struct http_field *field)
{
	return field_is(field, "X-Jobfence-Denied") ||
	       (field_is(field, "Proxy-Status") &&
		       slice_contains(&field->value, "jobfence"));
}

/* A site may send back what it got, also as a part of an address. */
static bool shows_secret(const struct http_field *field, struct secret_store *secrets)
{
	return secret_store_is_in(secrets, &field->name) ||
	       secret_store_is_in(secrets, &field->value);
}

bool http_response_write(const struct http_head *head, const struct http_asked *asked,
	bool keep, struct buffer *out)
{
	enum http_framing framing = http_response_framing(head, asked);
	bool fits = write_status(head, asked->secrets, out);

	for (size_t i = 0; fits && i < head->count; i++)
		if (!field_is_hop_by_hop(head, &head->fields[i]) &&
			!poses_as_ours(&head->fields[i]) &&
			!shows_secret(&head->fields[i], asked->secrets) &&
			!field_is(&head->fields[i], "Content-Length"))
			fits = field_write(&head->fields[i], out);
	/* Write one length in place of several, and none beside chunks. */
	if (fits && head->framing == FRAMING_LENGTH && !is_bodiless(head))
		fits = buffer_append_text(out, "Content-Length: ") &&
		       buffer_append_number(out, head->content_length) &&
		       buffer_append_text(out, "\r\n");
	if (fits && framing == FRAMING_CHUNKED && !asked->old)
		fits = buffer_append_text(out, "Transfer-Encoding: chunked\r\n");
	if (fits && head->status == 101)
		fits = buffer_append_text(
			out, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
	else if (fits && head->status >= 200 && !keep)
		fits = buffer_append_text(out, "Connection: close\r\n");
	else if (fits && head->status >= 200 && asked->old)
		fits = buffer_append_text(out, "Connection: keep-alive\r\n");
	return fits && buffer_append(out, "\r\n", 2);
}
