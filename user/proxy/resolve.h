/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Names to addresses, by /etc/hosts and then the node's resolvers, checked against the
 * rules for addresses: what comes out may be dialled as it is. The caller has checked the
 * name against the job's domains before: a look-up alone tells the world.
 *
 * One refused address among the answers refuses them all: a name that points inside and
 * outside at once is an attack (DNS rebinding), or a mistake that ends no better. A look-up
 * ends once, and what is answered after that is used by nobody.
 */

#include <stddef.h>

#include "names/host.h"
#include "proxy/loop.h"
#include "proxy/settings.h"

#define RESOLVED_MAX	 8
#define LOOKUP_TEXT_SIZE 128

struct resolver;

/* One look-up, embedded in whoever waits for it. */
struct lookup {
	/*
	 * Called once, never from within resolver_look_up() itself, with status 0 and 1 to
	 * RESOLVED_MAX addresses; or -ENOENT: no such name, or it has no address;
	 * -ETIMEDOUT: no answer; -EACCES: an address may not be dialled, it is then
	 * addresses[0]; -EBUSY: too many are under way; -EHOSTUNREACH: anything else.
	 */
	void (*done)(struct lookup *lookup, int status);
	struct address addresses[RESOLVED_MAX];
	size_t count;
	struct resolver *resolver; /* private from here on; NULL when idle */
	struct query *query;
	struct deferred deferred;
	int status, answer; /* the second one is c-ares' */
	struct address who; /* the resolver that gave the answer, or none */
	bool many;	    /* there are more of them */
};

/* Makes a resolver; to be called before the sandbox closes, with `settings` living on.
 * Returns 0, -ENOMEM or what c-ares and netlink gave. */
int resolver_new(struct loop *loop, const struct proxy_settings *settings,
	struct resolver **resolver);

/*
 * Starts a look-up of a host, which has to be there until the look-up ends. A literal is
 * not resolved but goes through the rules as well. Returns nothing: errors arrive at
 * done().
 */
void resolver_look_up(
	struct resolver *resolver, const struct host *host, struct lookup *lookup);

/*
 * Says why a look-up found no address, or has none yet: which resolver answered what.
 * Returns `text`.
 */
const char *lookup_explain(const struct lookup *lookup, char text[LOOKUP_TEXT_SIZE]);

/* Gives up a look-up that is under way: done() is not called any more. */
void lookup_cancel(struct lookup *lookup);
