/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The target of a request, and the request that goes upstream in its place. The code is
 * pure.
 */

#include <stdint.h>

#include "names/host.h"
#include "proxy/buffer.h"
#include "proxy/http_head.h"
#include "proxy/secret_store.h"
#include "proxy/settings.h"

/* The ports that a job may reach, of plain HTTP and of TLS. */
#define PORT_HTTP  80
#define PORT_HTTPS 443

/* Where a request wants to go. */
struct http_target {
	struct host host;
	uint16_t port;	     /* host byte order */
	uint16_t given_port; /* in Host, or in the target if there is no Host. 0: none */
	bool connect;
	bool judged; /* its path is the canonical one */
	/* Those of the host, and which of them this request gets. NULL: it has none */
	const struct secret_store *secrets;
	unsigned due;
	struct slice
		/* origin-form, with the query. A leading "/" may be missing */
		path;
};

/*
 * Reads the target of a request, which is CONNECT's authority, an absolute URI or the Host
 * header. The names have to agree. `default_port` is that of http or https, whichever the
 * connection carries. It is for a request without a port.
 *
 * Returns NULL, or a sentence that tells people what is wrong.
 */
const char *http_target_read(
	const struct http_head *head, uint16_t default_port, struct http_target *target);

/*
 * Whether a request is the last on its connection to the site. The site then closes first
 * (RFC 9112 section 9.6). A request with a body always is the last. A site that does not
 * read the body would take it for the next request, which would lack the job's header. No
 * other request is, since other clients may use the connection.
 */
bool http_request_is_last(const struct http_head *head);

/*
 * Writes the head of the request as it goes upstream, in origin-form. It gets the checked
 * host, the port that was given, and the header. It loses fields that are for one hop only,
 * and the job's own copies of the header. A request that was judged also loses fields by
 * which a server would take another method or path. A secret replaces the job's own field.
 * Returns whether it fitted.
 */
bool http_request_write(const struct http_head *head, const struct http_target *target,
	const struct proxy_settings *settings, struct buffer *out);
