/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A dial reaches a site in two steps. First it resolves the name. Then it tries the
 * addresses that may be dialled, in their order. The caller may wait between the steps for
 * as long as it likes.
 *
 * If a try neither succeeds nor fails within 250 ms, the next address is tried beside it
 * (RFC 8305 section 5). So a family that leads nowhere costs no more time than that. At
 * most two tries are under way, and the first that is connected wins. Each try has its
 * turn of the pacer and is charged, the one that lost as well.
 */

#include <stdint.h>

#include "names/host.h"
#include "proxy/pacer.h"
#include "proxy/peer.h"
#include "proxy/resolve.h"

/* One try to connect. */
struct dial_try {
	struct peer *peer; /* NULL: none is under way */
	size_t index;	   /* of its address */
	uint64_t deadline; /* ns of loop_now() */
};

struct dial {
	/* Called from the loop when the step has ended, see dial_has_ended(). */
	void (*done)(struct dial *dial);
	struct lookup lookup; /* private from here on */
	struct loop *loop;
	struct resolver *resolver;
	struct peer *peer; /* NULL unless it is being connected */
	struct peer second;
	struct dial_try tries[2]; /* by `peer`, and by `second` */
	void (*ready)(struct source *source, uint32_t events);
	struct pacer *pacer;
	struct waiter turn; /* for the next try */
	struct timer timer;
	uint64_t next_at; /* when the next address is tried beside this one, ns */
	uint16_t port;
	size_t window, next;
	size_t last; /* place of the last address that was tried, from 1 on */
	bool ended;
	int status;
};

/* Starts to resolve a host that was allowed. */
void dial_resolve(struct dial *dial, struct loop *loop, struct resolver *resolver,
	const struct host *host);

/*
 * Starts to connect `peer`, which is closed, to what was resolved, as soon as `pacer` lets
 * it try. `port` is in host byte order. The site may send `window` bytes at first, and 0
 * leaves that to the kernel. `ready` becomes the peer's callback. It has to call
 * dial_ready() while the peer is connecting.
 */
void dial_connect(struct dial *dial, struct pacer *pacer, uint16_t port, size_t window,
	struct peer *peer, void (*ready)(struct source *source, uint32_t events));
void dial_ready(struct dial *dial);

/*
 * Whether the step that was started has ended. Tells that once. `*status` is then
 *
 *	0	   addresses are there, or the peer is connected
 *	-ENOENT	   there is no such name
 *	-EACCES	   the address may not be dialled
 *	-ETIMEDOUT there was no answer in time
 *	-errno	   of the last try
 */
bool dial_has_ended(struct dial *dial, int *status);

/* Makes the address with that index the first one to be tried. */
void dial_prefer(struct dial *dial, size_t index);

/* Ends the step with the result of an earlier dial, whose last try was `address`. */
void dial_recall(struct dial *dial, const struct address *address, int status);

/* Gives up, if a step is under way. */
void dial_cancel(struct dial *dial);

/* The address that is connected, or failed last, or is tried. NULL: none yet. */
static inline const struct address *dial_last(const struct dial *dial)
{
	return dial->last ? &dial->lookup.addresses[dial->last - 1] : NULL;
}

/* Whether no try is under way, because the pacer holds the next one back. */
static inline bool dial_is_waiting(const struct dial *dial)
{
	return ring_holds(&dial->turn.place) && !dial->tries[0].peer &&
	       !dial->tries[1].peer;
}
