/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Resolves names to addresses, by /etc/hosts and then by the node's resolvers. The
 * addresses are checked against the rules, so they may be dialled as they are. The caller
 * checks the name against the job's domains before. A look-up alone tells the world.
 *
 * One refused address among the answers refuses them all. A name that points inside and
 * outside at once is an attack (DNS rebinding), or a mistake that ends no better. A look-up
 * ends once. Later answers are not used.
 *
 * Answers are remembered as long as their TTL lasts (name_cache.h). Look-ups of one name at
 * once are one query. Every look-up has its addresses checked as it ends.
 */

#include <stdbool.h>
#include <stddef.h>

#include "names/host.h"
#include "proxy/loop.h"
#include "proxy/name_cache.h"
#include "proxy/settings.h"

#define LOOKUP_TEXT_SIZE 128

struct resolver;

/* One look-up, embedded in its owner. */
struct lookup {
	/*
	 * Called once, never from within resolver_look_up() itself. `status` is
	 *
	 *	0	      `addresses` has 1 to RESOLVED_MAX addresses
	 *	-ENOENT	      no such name, or it has no address
	 *	-ETIMEDOUT    no answer
	 *	-EACCES	      addresses[0] may not be dialled
	 *	-EBUSY	      too many look-ups are under way
	 *	-EHOSTUNREACH anything else
	 */
	void (*done)(struct lookup *lookup, int status);
	struct address addresses[RESOLVED_MAX];
	size_t count;
	struct resolver *resolver; /* private from here on. NULL when idle */
	struct flight *flight;	   /* that it waits for, or NULL */
	struct lookup *next;	   /* of the flight */
	struct deferred deferred;
	int status, answer; /* `answer` is a status of c-ares */
	struct address who; /* the resolver that gave the answer, or none */
	bool many;	    /* there are more resolvers than one */
};

/*
 * Makes a resolver. Call before the sandbox closes. `settings` must outlive the resolver.
 * Returns 0, -ENOMEM, or the error of c-ares or netlink.
 */
int resolver_new(struct loop *loop, const struct proxy_settings *settings,
	struct resolver **resolver);

/*
 * Starts a look-up of a host, which has to be there until the look-up ends. A literal is
 * not resolved but goes through the rules as well. Errors arrive at done().
 */
void resolver_look_up(
	struct resolver *resolver, const struct host *host, struct lookup *lookup);

/*
 * Says why a look-up found no address, or has none yet: which resolver answered what.
 * Returns the text, which may be in `text`.
 */
const char *lookup_explain(const struct lookup *lookup, char text[LOOKUP_TEXT_SIZE]);

/* Gives up a look-up that is under way. done() is not called any more. */
void lookup_cancel(struct lookup *lookup);

/*
 * Notes whether an address could be connected. If not, look-ups that end in the next minute
 * have it after others.
 */
void resolver_note_dial(
	struct resolver *resolver, const struct address *address, bool connected);
