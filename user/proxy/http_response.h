/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The response that the job gets in place of the site's. The code is pure. */

#include "proxy/buffer.h"
#include "proxy/http_head.h"
#include "proxy/secret_store.h"

/* The request that the response answers. */
struct http_asked {
	bool head;		      /* its method was HEAD: the response has no body */
	bool old;		      /* it was HTTP/1.0 */
	bool keep;		      /* its connection may be used again */
	bool websocket;		      /* it asked for a change to websocket */
	bool last;		      /* the site was asked to close after its answer */
	bool login;		      /* http_head_logs_in() */
	struct secret_store *secrets; /* of the job, which no field may show. NULL: none */
	unsigned char kept_back;      /* interim responses, unknown to HTTP/1.0 */
};

/*
 * How the body of the response ends. The request and the fields decide together (RFC 9112
 * section 6.3).
 */
enum http_framing http_response_framing(
	const struct http_head *head, const struct http_asked *asked);

/*
 * Whether the head announces a body that its status does not have. Some readers wait for
 * one.
 */
bool http_response_misleads(const struct http_head *head);

/*
 * Writes the head of the response. `keep` says that the client's connection stays. Returns
 * whether it fitted.
 */
bool http_response_write(const struct http_head *head, const struct http_asked *asked,
	bool keep, struct buffer *out);
