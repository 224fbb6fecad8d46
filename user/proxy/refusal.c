// SPDX-License-Identifier: BSD-2-Clause
/* See refusal.h. The first line of the text is stable: programs may look at it. */

#include <stdio.h>
#include <string.h>

#include "proxy/refusal.h"

static const char *status_text(unsigned status)
{
	switch (status) {
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 431:
		return "Request Header Fields Too Large";
	case 502:
		return "Bad Gateway";
	case 503:
		return "Service Unavailable";
	default:
		return "Gateway Timeout";
	}
}

static void write_body(const struct refusal_text *text,
	const struct proxy_settings *settings, char *body, size_t size)
{
	const char *name = text->name ? text->name : "";

	if (text->reason == REASON_DOMAIN)
		snprintf(body, size,
			"jobfence: network: job %s may not reach %s\n"
			"The job did not declare this domain. To allow it, declare it:\n"
			"    --domain %s\n",
			settings->job, name, name);
	else if (text->reason == REASON_ADDRESS)
		snprintf(body, size,
			"jobfence: network: job %s may not reach %s\n"
			"It leads to %s, which is private, local or the node's own. The node's\n"
			"operator can allow it: --allow-address %s\n",
			settings->job, name, text->address ? text->address : "an address",
			text->address ? text->address : "ADDRESS");
	else if (text->reason == REASON_DENIED)
		snprintf(body, size,
			"jobfence: network: job %s may not reach %s\n"
			"This domain is denied, whatever else the job may reach.\n",
			settings->job, name);
	else if (text->reason == REASON_GUARD)
		snprintf(body, size,
			"jobfence: network: job %s may not reach %s by TLS\n"
			"Requests to this domain have to bear the header %s, which TLS would hide.\n"
			"Plain HTTP is allowed: http://%s/\n",
			settings->job, name, settings->header, name);
	else if (text->reason == REASON_LIMIT && text->name)
		snprintf(body, size,
			"jobfence: network: job %s may not reach %s\n"
			"It learns, and has used %d other names already, which is as many as one may declare.\n",
			settings->job, name, LEARNED_MAX);
	else
		snprintf(body, size, "jobfence: network: job %s: %s%s%s%s%s\n",
			settings->job, name, name[0] ? ": " : "",
			text->explanation ? text->explanation : "refused",
			text->address ? ": " : "", text->address ? text->address : "");
}

bool refusal_write(const struct refusal_text *text, const struct proxy_settings *settings,
	struct buffer *out)
{
	char body[1024];

	write_body(text, settings, body, sizeof(body));
	return buffer_format(out, "HTTP/1.1 %u %s\r\n", text->status,
		       status_text(text->status)) &&
	       (!text->reason || buffer_format(out, "X-Jobfence-Denied: %s\r\n",
					 reason_header(text->reason))) &&
	       buffer_format(out,
		       "Content-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n"
		       "Cache-Control: no-store\r\n%s\r\n%s",
		       strlen(body), text->keep ? "" : "Connection: close\r\n",
		       text->without_body ? "" : body);
}

bool refusal_write_alert(enum tls_alert alert, struct buffer *out)
{
	/* alert (21), TLS 1.2 on the wire, two bytes: fatal, why */
	const unsigned char record[] = { 21, 3, 3, 0, 2, 2, (unsigned char)alert };

	return buffer_append(out, record, sizeof(record));
}
