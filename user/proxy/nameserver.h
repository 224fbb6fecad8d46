/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A nameserver is one of the node's resolvers, and what this worker remembers of it. Each
 * one has a channel of c-ares to itself. So the proxy chooses which one is asked, and knows
 * which one answered. query.c decides which one to ask, and when.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jobfence/address.h"
#include "proxy/loop.h"

/* The families are kept apart, since some resolvers drop queries for IPv6 addresses. */
enum family { IPV4, IPV6, FAMILIES };

struct nameserver;

/*
 * Call before the sandbox closes, since c-ares reads files. Returns 0, -ENOMEM, or -EIO if
 * c-ares did not start.
 */
int nameserver_new(
	struct loop *loop, const struct endpoint *endpoint, struct nameserver **nameserver);

const struct address *nameserver_address(const struct nameserver *nameserver);

/* What a nameserver says of the addresses of a name, of one family. */
struct found {
	uint32_t seconds; /* for which it may be remembered. 0: not at all */
	size_t count;	  /* 0: there is no such name, or no such address */
	struct address addresses[];
};

/* One question to a nameserver, embedded in its owner. */
struct ask {
	struct nameserver *nameserver;
	enum family family;
	/*
	 * Called once, possibly from within nameserver_ask(). `status` is one of c-ares. If
	 * it is ARES_SUCCESS, ARES_ENOTFOUND or ARES_ENODATA, the callee has to free
	 * `found`. Otherwise that is NULL.
	 */
	void (*done)(struct ask *ask, int status, struct found *found);
};

/*
 * Asks for the addresses of `name`, in canonical form. SERVFAIL and the like are answers,
 * and not asked for again. The ask has to be there until it is done.
 */
void nameserver_ask(struct ask *ask, const char *name);

/* Notes that the nameserver answered a query for that family, in whatever way. */
void nameserver_heard(struct nameserver *nameserver, enum family family);

/*
 * Notes that a query of the time `since` has no answer yet. Returns whether nothing was
 * heard since then. The nameserver then counts as silent for a while.
 */
bool nameserver_waited(struct nameserver *nameserver, enum family family, uint64_t since);
bool nameserver_is_silent(const struct nameserver *nameserver, enum family family);

/*
 * Writes a line about the nameserver to the log, and at most one line a minute. The line is
 * "resolver ADDRESS: TEXT, for NAME".
 */
void nameserver_log(struct nameserver *nameserver, const char *text, const char *name);
