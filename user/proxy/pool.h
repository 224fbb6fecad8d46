/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The idle connections to sites of a job, which all of its clients share.
 *
 *	lent	the relay of a client holds it. The client has its whole answer. It may go
 *		on with its upstream at once. If it is silent for a second, others may take
 *		the upstream.
 *	kept	the client has gone, or went on to another site. The pool holds it.
 *
 * One is taken for a request to the same checked name, port and address. That decision
 * comes after the name was checked and resolved, as for a connection that is dialled. An
 * idle one to port 443 always has the proxy's end of TLS, whose certificate was verified
 * for that name. Tunnels are never idle.
 *
 * An idle upstream owes nothing. The bytes of its site are forwarded or charged, and none
 * wait to be written. So any event but room is a reason to close it: a byte answers no
 * request, and an end ends it. It is closed as well
 *
 *	after 30 s, or 31
 *	within a second after an update that withdraws its name
 *	when there are more than POOL_KEPT_MAX kept ones, the oldest first
 *	when the job needs its place for a client
 *
 * A kept one counts as one of the job's connections. The connection decides what may be
 * idle, see exchange.c.
 *
 * The pacer bounds how many connections a job makes in a second. A request that has to wait
 * for that takes an upstream as soon as one is kept.
 */

#include "lib/ring.h"
#include "names/host.h"
#include "proxy/relay.h"
#include "proxy/rules.h"

#define POOL_KEPT_MAX 32 /* kept ones of a job: all jobs share the node's ports */

/* An idle upstream, in the line of the pool. */
struct idle {
	struct ring place;	 /* in the line. In no ring: not idle */
	struct relay *relay;	 /* that lends it. NULL: the pool keeps it */
	const struct host *host; /* of the last request */
	struct address address;	 /* that it is connected to */
	uint16_t port;		 /* host byte order */
	uint64_t since;		 /* ns */
};

/* A relay whose request waits for its turn to dial. */
struct pool_waiter {
	struct ring place; /* in no ring: it does not wait */
	/* Whether it still waits. Its turn may have come meanwhile. */
	bool (*wants)(const struct pool_waiter *waiter);
	struct relay *relay;
	const struct host *host;
	uint16_t port; /* host byte order */
};

struct pool {
	struct relays *all;
	struct rules *rules;
	unsigned most;	     /* connections of the job */
	struct ring line;    /* of the idle ones. The first is idle for the longest time */
	struct ring waiting; /* of the waiters. The first waits for the longest time */
	struct timer timer;  /* runs each second, while the line is not empty */
	uint64_t generation; /* of the job's limits that the line keeps to */
	unsigned count;	     /* of the kept ones */
};

/* Sets up an empty pool for the relays of a job, which has at most `most` connections. */
void pool_init(struct pool *pool, struct relays *all, struct rules *rules, unsigned most);

/*
 * Lends the open upstream of idle->relay, to idle->host, if it is not lent yet. Its buffers
 * are empty and relay_settle() was called. `idle` and the host have to live until it is
 * reclaimed, taken, kept or closed. The relay then has no upstream, unless it is reclaimed.
 */
void pool_lend(struct pool *pool, struct idle *idle);

/* Ends the loan, if there is one: the relay goes on with its upstream, or closes it. */
void pool_reclaim(struct idle *idle);

/*
 * Keeps an upstream that was lent, as its relay has no more use for it. Returns false if it
 * was not lent, is of no use, or if there is no room for it. The relay then still has it,
 * not lent.
 */
bool pool_keep(struct pool *pool, struct idle *idle);

/*
 * Gives `relay`, which has no upstream, an idle one to this host and port and one of these
 * addresses. `ready` becomes its callback. Returns the address, or NULL: there is none.
 */
const struct address *pool_take(struct pool *pool, struct relay *relay,
	const struct host *host, uint16_t port, const struct address *addresses,
	size_t count, void (*ready)(struct source *source, uint32_t events));

/*
 * Wakes waiter->relay once, when the pool has kept an upstream to that host and port. The
 * waiter and the host have to live until then, or until it waits no more.
 */
void pool_wait(struct pool *pool, struct pool_waiter *waiter);
void pool_stop_waiting(struct pool_waiter *waiter);

/* Closes a kept one if the job has as many connections as it may have. */
void pool_make_room(struct pool *pool);
