/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Reaching a site: its name is resolved, its addresses are tried one after the other. */

#include <stdint.h>

#include "names/host.h"
#include "proxy/peer.h"
#include "proxy/resolve.h"

struct dial {
	/*
	 * Called once, from the loop: 0: the peer is connected; -ENOENT: no such name; -EACCES: an address that may not
	 * be dialled, which is `refused`; -ETIMEDOUT; or -errno of the last try.
	 */
	void (*done)(struct dial *dial, int status);
	struct address refused;
	struct lookup lookup; /* private from here on */
	void (*ready)(struct source *source, uint32_t events);
	struct loop *loop;
	struct peer *peer;
	struct timer timer;
	uint16_t port;
	size_t next;
	int status;
	bool running;
};

/*
 * Starts to connect `peer`, which is closed, to a host that was allowed; `port` in host byte order. `ready` becomes the
 * peer's callback; as long as dial->running, it has to call dial_ready().
 */
void dial_start(struct dial *dial, struct loop *loop, struct resolver *resolver,
	const struct host *host, uint16_t port, struct peer *peer,
	void (*ready)(struct source *source, uint32_t events));
void dial_ready(struct dial *dial);

/* Gives up; done() is not called any more. */
void dial_cancel(struct dial *dial);
