/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A dial reaches a site in two steps. First it resolves the name. Then it tries the
 * addresses that may be dialled, one after the other. The caller may wait between the steps
 * for as long as it likes.
 */

#include <stdint.h>

#include "names/host.h"
#include "proxy/pacer.h"
#include "proxy/peer.h"
#include "proxy/resolve.h"

struct dial {
	/* Called from the loop when the step has ended, see dial_has_ended(). */
	void (*done)(struct dial *dial);
	struct lookup lookup; /* private from here on */
	struct loop *loop;
	struct peer *peer; /* NULL unless it is being connected */
	void (*ready)(struct source *source, uint32_t events);
	struct pacer *pacer;
	struct waiter turn; /* for the next try */
	struct timer timer;
	uint16_t port;
	size_t window, next;
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

/* The address that was tried last, or NULL. */
static inline const struct address *dial_last(const struct dial *dial)
{
	return dial->next ? &dial->lookup.addresses[dial->next - 1] : NULL;
}

/* Whether the pacer holds the next try back. */
static inline bool dial_is_waiting(const struct dial *dial)
{
	return dial->turn.next;
}
