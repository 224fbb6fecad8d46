/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The job's rules as the proxy sees them, which are its maps. The answer of the map of
 * domains to a name is remembered for a second, and not beyond an update of the job. So an
 * update holds from the next request on.
 */

#include <stdbool.h>

#include "names/host.h"
#include "proxy/judge.h"
#include "proxy/settings.h"

struct rules;

/*
 * Takes over the map descriptors of settings.h. `secrets` may be NULL. Returns 0 or -errno.
 */
int rules_new(const struct proxy_settings *settings, const struct secret_store *secrets,
	struct rules **rules);
void rules_free(struct rules *rules);

/* The job's limits, which may change at any time, for as long as `rules` live. */
const volatile struct job_limits *rules_limits(const struct rules *rules);

/*
 * Whether the job may reach `host`, by the job's domain map. While the job learns, hosts
 * that are not in the map are allowed as well. Returns 0, REASON_DOMAIN or REASON_DENIED.
 */
enum reason rules_check(struct rules *rules, const struct host *host);

/* The judge of requests. NULL: neither the job nor the node has rules for them. */
struct judge *rules_judge(const struct rules *rules);

/* How much the proxy sees of what goes to a host. */
enum sight {
	SIGHT_REQUESTS, /* all of it, as of HTTP and of TLS that the proxy opens */
	SIGHT_NAME,	/* TLS: the server name */
	/* TLS with an encrypted ClientHello. The server name need not be the real one. */
	SIGHT_NOTHING,
};

/*
 * Decides on a request or on TLS, and counts it if it is allowed. `use` counts the bytes of
 * its domain, and is NULL if there is none. Returns 0, a reason of rules_check(), or
 *
 *	REASON_GUARD  TLS to a guarded domain
 *	REASON_RULE   TLS to a domain with rules for methods and paths
 *	REASON_ECH    an encrypted ClientHello that is not allowed
 *	REASON_LIMIT  one name more than a learning job may use
 */
enum reason rules_use(struct rules *rules, const struct host *host, enum sight sight,
	struct domain_use **use);

/* Whether TLS to a host that may be reached may have an encrypted ClientHello. */
bool rules_allow_ech(const struct rules *rules, const struct host *host);

/* Whether the proxy opens TLS to a host that may be reached. */
bool rules_intercept(const struct rules *rules, const struct host *host);

/*
 * Whether TLS to this address is refused, whatever name led there. Either the address
 * itself is guarded, or the one behind NAT64.
 */
bool rules_guard_address(const struct rules *rules, const struct address *address);

/*
 * Records a refusal. `name` may be anything that the job asked for. It has `length` bytes,
 * and is cut to what a record holds. Bytes that are not printable ASCII are kept as '?'.
 */
void rules_record_refusal(
	struct rules *rules, enum reason reason, const char *name, size_t length);

/*
 * Finds what a connection was meant to reach and who made it, as the fence noted it. It
 * came from `client` to the listener port `listener_port` (network byte order).
 *
 * Returns 0, or -ENOENT if it did not come through the fence.
 */
int rules_origin(const struct rules *rules, const struct endpoint *client,
	uint16_t listener_port, struct origin *origin);
