/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What a refusal says to people, and the same as JSON. The code is pure. */

#include <stdbool.h>
#include <stdint.h>

#include "jobfence/statistics.h"
#include "proxy/buffer.h"
#include "proxy/judge.h"
#include "proxy/settings.h"

/*
 * Why a site gave no answer that the job can have. The fence refused nothing then.
 *
 * X(NAME, CAUSE, error):
 *	CAUSE  its word is in X-Jobfence-Denied and in JSON
 *	error  in Proxy-Status (RFC 9209 section 2.3)
 */
#define SITE_FAILURES(X) \
	X(NO_NAME, DNS, "dns_error") \
	X(NO_RESOLVER, DNS, "dns_timeout") \
	X(CLOSED, UNREACHABLE, "connection_refused") \
	X(NO_ROUTE, UNREACHABLE, "destination_ip_unroutable") \
	X(NO_PORT, UNREACHABLE, "connection_limit_reached") \
	X(UNREACHABLE, UNREACHABLE, "destination_unavailable") \
	X(SLOW_CONNECT, TIMEOUT, "connection_timeout") \
	X(SLOW_ANSWER, TIMEOUT, "http_response_timeout") \
	X(CUT, ANSWER, "connection_terminated") \
	X(MALFORMED, ANSWER, "http_protocol_error") \
	X(LONG_HEAD, ANSWER, "http_response_header_section_size") \
	X(UPGRADE, ANSWER, "http_upgrade_failed") \
	X(CERTIFICATE, CERTIFICATE, "tls_certificate_error") \
	X(TLS, TLS, "tls_protocol_error")

enum site_failure {
	SITE_NONE,
#define X(name, cause, error) SITE_##name,
	SITE_FAILURES(X)
#undef X
};

struct refusal_text {
	unsigned status;		   /* of HTTP */
	enum reason reason;		   /* 0: the fence did not refuse */
	enum site_failure failure;	   /* if the fence did not refuse */
	const char *name;		   /* the host it is about, or NULL */
	uint16_t port;			   /* of the host, 0: not known */
	const char *address;		   /* the address it is about, or NULL */
	const char *explanation;	   /* a sentence, or NULL for one by the reason */
	const struct judgement *judgement; /* of a request that no rule allows, or NULL */
	bool keep;			   /* the connection may be used again */
	bool without_body;		   /* the request was HEAD */
};

/* The cause that a failure counts for. */
enum cause site_failure_cause(enum site_failure failure);

/* The word of a refusal in X-Jobfence-Denied and in JSON. */
const char *refusal_word(const struct refusal_text *text);

/*
 * Appends the body of a refusal, which ends with a newline. docs/refusals.md describes the
 * JSON. Returns whether it fitted. If not, a part of it may be there.
 */
bool refusal_body(const struct refusal_text *text, const struct proxy_settings *settings,
	bool json, struct buffer *body);
