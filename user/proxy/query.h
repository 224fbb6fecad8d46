/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A query has two questions about a name, one for each family of addresses. Each question
 * goes to one of the node's resolvers (nameserver.h). It goes to the next one if that one
 * fails, or says nothing for a second. The first useful answer settles the question.
 */

#include "proxy/nameserver.h"

/* The node's resolvers, in the order of resolv.conf(5). */
struct nameservers {
	struct loop *loop;
	struct nameserver *list[RESOLVERS_MAX];
	size_t count;
	unsigned queries; /* that exist */
};

/* `found` of a family is NULL if nobody answered, or in vain. */
struct query_result {
	const struct found *found[FAMILIES];
	int status;		    /* of c-ares: if there is no address, why */
	const struct address *from; /* who said so, or NULL */
};

typedef void (*query_done)(void *owner, const struct query_result *result);

struct query;

/*
 * Makes a query about a name in canonical form, at most NAME_LENGTH_MAX bytes of it. `done`
 * is called once, unless the query is abandoned. Returns 0, -ENOMEM, or -EBUSY: there are
 * too many.
 */
int query_new(struct nameservers *nameservers, const char *name, query_done done,
	void *owner, struct query **query);

/* Asks. done() may be called from within. */
void query_start(struct query *query);

/* Gives up a query that has not ended. */
void query_abandon(struct query *query);
