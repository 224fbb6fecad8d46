/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * One end of a relay: a socket that does not block, what was read from it, what is to be
 * written to it. It remembers whether reading and writing would block, so nothing is tried
 * in vain, and the loop is asked only for what is waited for.
 */

#include <stdbool.h>
#include <stdint.h>

#include "proxy/buffer.h"
#include "proxy/loop.h"

struct peer {
	struct source source; /* source.fd is -1 when closed */
	struct loop *loop;
	bool connecting;	 /* not connected yet */
	bool readable, writable; /* worth a try */
	bool eof;		 /* the other side sends no more */
	bool hung;    /* nothing more to wait for: what comes is in the kernel already */
	int error;    /* -errno of a read that failed: the kernel tells it once */
	bool bounded; /* its queue of what was written has a bound: see peer_wrote() */
	bool reset;   /* so a write was told, and no read will be */
	uint32_t segments;	 /* sent, of which the throttle knows */
	struct buffer *in, *out; /* NULL when empty */
};

/*
 * Takes over a socket, which is `connected` or on its way there; `ready` is called with
 * what peer_note() is then to be told. Returns 0 or -errno; the socket is the caller's
 * still then.
 */
int peer_open(struct peer *peer, struct loop *loop, int fd, bool connected,
	void (*ready)(struct source *source, uint32_t events));

/* Closes it, if it is open, and gives its buffers back. */
void peer_close(struct peer *peer);

/* Notes what the loop said. */
void peer_note(struct peer *peer, uint32_t events);

/*
 * Asks the loop for what is waited for: input if `want_input`, and room for what is to be
 * written.
 */
void peer_watch(struct peer *peer, bool want_input);

/*
 * Reads at most `most` bytes behind those in peer->in. Returns how many; 0: the end,
 * peer->eof is set; -EAGAIN: nothing now; -ENOBUFS: no room; or -errno.
 */
long peer_read(struct peer *peer, size_t most);

/*
 * Writes at most `most` bytes of peer->out. Returns how many; -EAGAIN: nothing now; or
 * -errno.
 */
long peer_write(struct peer *peer, size_t most);

/*
 * Notes that bytes were written, by peer_write() or past it. The kernel puts them behind
 * others into one packet even where its queue is full (Linux 6.18, tcp_sendmsg_locked()):
 * where that has a bound, the next ones wait until there is room.
 */
static inline void peer_wrote(struct peer *peer)
{
	if (peer->bounded && !peer->hung)
		peer->writable = false;
}

/* The buffer of what is to be written, made when there is none. NULL: no memory. */
struct buffer *peer_out(struct peer *peer);

static inline bool peer_is_open(const struct peer *peer)
{
	return peer->source.fd >= 0;
}
