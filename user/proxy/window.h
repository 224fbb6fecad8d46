/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * How much may be on its way in the proxy: in the queues of its sockets and in its buffers. A site is to feel the rate of
 * the job, so all connections that move bytes share a quarter of a second's worth; and whatever a job does, the
 * kernel's memory for its connections has a bound.
 */

#include <stdint.h>

#include "proxy/peer.h"

#define SHARE_MIN 2048UL /* bytes: a segment, with what the kernel reckons for it */

/* How many connections moved bytes in this second and in the one before, and how many hold some that they can't pass on. */
struct movers {
	uint64_t second;
	unsigned now, before, stuck;
};

/* How much a connection moved in a second. */
struct mover {
	uint64_t second, bytes;
	bool little; /* less than counts, in that second so far and in the one before */
};

/* Counts one that moves bytes at `now`, in ns; who keeps to a little of `rate`, in bytes per second, takes no share from
 * the others, who could not do with less. */
void movers_count(struct movers *movers, struct mover *mover, uint64_t now, size_t bytes,
	uint64_t rate);

/*
 * Bytes that each connection's socket to its site may hold in one direction; its buffers may hold a quarter of that. `rate` is
 * the job's, in bytes per second, 0: none; `connections` are open. Returns 0: as the kernel likes.
 */
size_t queues_share(uint64_t rate, const struct movers *movers, unsigned connections);

/* Bytes that may be read at once: what fills whole segments, or a buffer. */
size_t queues_piece(size_t share);

/* Bounds what a socket that is not connected yet, or those that it will accept, are sent first; the window may grow later. */
void queues_limit_first(int fd, size_t share);

/* Bound what a connected socket to a site, or to the client, holds in each direction. */
void queues_limit_site(struct peer *peer, size_t share);
void queues_limit_client(const struct peer *peer, size_t share);
