// SPDX-License-Identifier: BSD-2-Clause
/* See refusal.h. refusal_body.c has what it says. */

#include "proxy/refusal.h"

static const char *status_text(unsigned status)
{
	switch (status) {
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 405:
		return "Method Not Allowed";
	case 421:
		return "Misdirected Request";
	case 431:
		return "Request Header Fields Too Large";
	case 502:
		return "Bad Gateway";
	case 503:
		return "Service Unavailable";
	case 504:
		return "Gateway Timeout";
	default:
		return "Refused";
	}
}

/* The type of error for Proxy-Status (RFC 9209 section 2.3). */
static const char *proxy_error(const struct refusal_text *text)
{
	static const char *const errors[] = { [SITE_NONE] = "destination_unavailable",
#define X(name, cause, error) [SITE_##name] = (error),
		SITE_FAILURES(X)
#undef X
	};

	if (!text->reason)
		return errors[text->failure];
	if (text->reason == REASON_ADDRESS)
		return "destination_ip_prohibited";
	/* A secret has no value. */
	if (text->reason == REASON_RULE && text->status >= 500)
		return "proxy_configuration_error";
	if (text->status >= 500)
		return "connection_limit_reached";
	return text->status == 403 || text->status == 405 ? "http_request_denied"
							  : "http_request_error";
}

bool refusal_write(const struct refusal_text *text, const struct proxy_settings *settings,
	bool json, struct buffer *out)
{
	const char *word = refusal_word(text);
	struct buffer body;

	body.start = body.end = 0;
	return refusal_body(text, settings, json, &body) &&
	       buffer_format(out,
		       "HTTP/1.1 %u %s\r\nX-Jobfence-Denied: %s\r\n"
		       "Proxy-Status: jobfence; error=%s; details=\"%s\"\r\n"
		       "Content-Type: %s; charset=utf-8\r\nContent-Length: %zu\r\n"
		       "Cache-Control: no-store\r\n%s\r\n",
		       text->status, status_text(text->status), word, proxy_error(text),
		       word, json ? "application/json" : "text/plain", buffer_length(&body),
		       text->keep ? "" : "Connection: close\r\n") &&
	       (text->without_body || buffer_append(out, body.bytes, buffer_length(&body)));
}

bool refusal_write_alert(enum tls_alert alert, struct buffer *out)
{
	/* alert (21), TLS 1.2 on the wire, two bytes: fatal, why */
	const unsigned char record[] = { 21, 3, 3, 0, 2, 2, (unsigned char)alert };

	return buffer_append(out, record, sizeof(record));
}
