/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Reaching a site, in two steps: its name is resolved, then the addresses that may be dialled are tried one after
 * the other. In between the caller may wait for as long as it likes.
 */

#include <stdint.h>

#include "names/host.h"
#include "proxy/pacer.h"
#include "proxy/peer.h"
#include "proxy/resolve.h"

struct dial {
	/*
	 * Called from the loop, once for each step that was started: 0: addresses are there, or the peer is
	 * connected; -ENOENT: no such name; -EACCES: an address that may not be dialled; -ETIMEDOUT; or -errno of the
	 * last try.
	 */
	void (*done)(struct dial *dial, int status);
	struct lookup lookup; /* private from here on */
	struct loop *loop;
	struct peer *peer; /* NULL unless one is being connected */
	void (*ready)(struct source *source, uint32_t events);
	struct throttle *throttle;
	struct waiter turn; /* for the next try */
	struct timer timer;
	uint16_t port;
	size_t window, next;
	int status;
};

/* Starts to resolve a host that was allowed. */
void dial_resolve(struct dial *dial, struct loop *loop, struct resolver *resolver,
	const struct host *host);

/*
 * Starts to connect `peer`, which is closed, to what was resolved, as soon as `throttle` lets it try; `port` in host byte order. The site may send
 * `window` bytes at first, 0: as the kernel likes. `ready` becomes the peer's callback; while dial_is_connecting(), it has to call dial_ready().
 *
 * Returns 0, or what done() would be told, which is not called then.
 */
int dial_connect(struct dial *dial, struct throttle *throttle, uint16_t port, size_t window,
	struct peer *peer, void (*ready)(struct source *source, uint32_t events));
void dial_ready(struct dial *dial);

/* Has the address with that index be tried first. */
void dial_prefer(struct dial *dial, size_t index);

/* Has an address be the last one tried. */
void dial_recall(struct dial *dial, const struct address *address);

/* Gives up, if a step is under way; done() is not called any more. */
void dial_cancel(struct dial *dial);

/* The address that was tried last, or NULL. */
static inline const struct address *dial_last(const struct dial *dial)
{
	return dial->next ? &dial->lookup.addresses[dial->next - 1] : NULL;
}

/* Whether the throttle holds the next try back. */
static inline bool dial_is_waiting(const struct dial *dial)
{
	return dial->turn.next;
}

static inline bool dial_is_connecting(const struct dial *dial)
{
	return dial->peer;
}
