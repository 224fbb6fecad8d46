/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The answer of the proxy to a job that gets none from a site. */

#include "names/host.h"
#include "proxy/buffer.h"
#include "proxy/settings.h"

struct refusal_text {
	unsigned status;	 /* of HTTP */
	enum reason reason;	 /* 0: the fence did not refuse, so no X-Jobfence-Denied */
	const char *name;	 /* the host it is about, or NULL */
	const char *address;	 /* the address it is about, or NULL */
	const char *explanation; /* a sentence, or NULL for one by the reason */
	bool keep;		 /* the connection may be used again */
	bool without_body;	 /* the request was HEAD */
};

/*
 * Writes a whole response. It closes the connection unless `keep` is set. Returns whether
 * it fitted.
 */
bool refusal_write(const struct refusal_text *text, const struct proxy_settings *settings,
	struct buffer *out);

/* Descriptions of fatal alerts (RFC 8446 section 6). */
enum tls_alert { TLS_ACCESS_DENIED = 49, TLS_DECODE_ERROR = 50, TLS_INTERNAL_ERROR = 80 };

/* Writes a record with that fatal alert. Returns whether it fitted. */
bool refusal_write_alert(enum tls_alert alert, struct buffer *out);
