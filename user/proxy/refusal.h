/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The answer of the proxy to a job that gets none from a site. */

#include "proxy/refusal_body.h"

/*
 * Writes a whole response, with a body of JSON or of text. It closes the connection unless
 * `keep` is set. Returns whether it fitted. If not,
 * a part of it may be there.
 */
bool refusal_write(const struct refusal_text *text, const struct proxy_settings *settings,
	bool json, struct buffer *out);

/* Descriptions of fatal alerts (RFC 8446 section 6). */
enum tls_alert {
	TLS_ACCESS_DENIED = 49,
	TLS_DECODE_ERROR = 50,
	TLS_INTERNAL_ERROR = 80,
	TLS_NO_APPLICATION_PROTOCOL = 120, /* RFC 7301 section 3.2 */
};

/* Writes a record with that fatal alert. Returns whether it fitted. */
bool refusal_write_alert(enum tls_alert alert, struct buffer *out);
