/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * One of the node's resolvers, and what this worker remembers of it. Each has a channel of
 * c-ares to itself, so that it is us who choose which one is asked, and c-ares says whose
 * answer it was. Which to ask when, resolve.c decides.
 */

#include <ares.h>
#include <stdbool.h>

#include "jobfence/address.h"
#include "proxy/loop.h"

/*
 * Queries for each family go their own ways: some resolvers drop those for IPv6 addresses.
 */
enum family { IPV4, IPV6, FAMILIES };

struct nameserver;

/*
 * To be called before the sandbox closes, since c-ares reads files. Returns 0, -ENOMEM, or
 * -EIO where c-ares did not start.
 */
int nameserver_new(
	struct loop *loop, const struct endpoint *endpoint, struct nameserver **nameserver);

const struct address *nameserver_address(const struct nameserver *nameserver);

/*
 * Asks for the addresses of `name`. `done` is called once with c-ares' status and the
 * addresses, which it has to free; that may be from within. SERVFAIL and the like are an
 * answer, and not asked for again.
 */
void nameserver_ask(struct nameserver *nameserver, const char *name, enum family family,
	ares_addrinfo_callback done, void *data);

/* Notes that it answered a query for that family, in whatever way. */
void nameserver_heard(struct nameserver *nameserver, enum family family);

/*
 * Notes that a query of the time `since` has no answer yet. Returns whether nothing was
 * heard since then: so it counts as silent for a while.
 */
bool nameserver_waited(struct nameserver *nameserver, enum family family, uint64_t since);
bool nameserver_is_silent(const struct nameserver *nameserver, enum family family);

/*
 * Writes a line about it to the log, one in a while at most: "resolver ADDRESS: TEXT, for
 * NAME".
 */
void nameserver_log(struct nameserver *nameserver, const char *text, const char *name);
