/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A peer is one end of a relay: a socket that does not block, bytes read from it, and bytes
 * to be written to it. It remembers whether reading and writing would block. So nothing is
 * tried in vain, and the loop is asked only for events that are needed.
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
	bool hung;		 /* no more events: what comes is in the kernel already */
	int error;		 /* -errno of a failed read. The kernel tells it once */
	bool bounded;		 /* its queue to send has a bound, see peer_wrote() */
	bool reset;		 /* a write found ECONNRESET. No read will */
	uint32_t segments;	 /* sent, of which the pacer knows */
	struct buffer *in, *out; /* NULL when empty */
};

/*
 * Takes over a socket, which is `connected` or on its way there. `ready` is called with the
 * events, and passes them to peer_note(). Returns 0 or -errno. On failure the socket
 * remains the caller's.
 */
int peer_open(struct peer *peer, struct loop *loop, int fd, bool connected,
	void (*ready)(struct source *source, uint32_t events));

/*
 * Moves an open peer with empty buffers to `to`, which is closed. `ready` becomes its
 * callback, and it is watched for input. Returns 0 or -errno. On failure nothing has moved.
 */
int peer_move(struct peer *to, struct peer *from,
	void (*ready)(struct source *source, uint32_t events));

/* Closes the socket, if it is open, and gives its buffers back. */
void peer_close(struct peer *peer);

/* Notes the events that the loop reported. */
void peer_note(struct peer *peer, uint32_t events);

/*
 * Asks the loop for what the peer needs: input if `want_input`, and room if bytes are to be
 * written.
 */
void peer_watch(struct peer *peer, bool want_input);

/*
 * Reads at most `most` bytes behind those in peer->in. Returns how many, or
 *
 *	0	  the end. peer->eof is set
 *	-EAGAIN	  nothing now
 *	-ENOBUFS  no room
 *	-errno	  any other failure
 */
long peer_read(struct peer *peer, size_t most);

/*
 * Writes at most `most` bytes of peer->out. Returns how many, -EAGAIN if none can be
 * written now, or -errno.
 */
long peer_write(struct peer *peer, size_t most);

/*
 * Notes that bytes were written, by peer_write() or past it. Even if the queue is full, the
 * kernel puts them behind others into one packet (Linux 6.18, tcp_sendmsg_locked()). So if
 * the queue has a bound, the next bytes wait until there is room.
 */
static inline void peer_wrote(struct peer *peer)
{
	if (peer->bounded && !peer->hung)
		peer->writable = false;
}

/*
 * Returns the buffer of bytes to be written, and makes it if there is none. NULL: no
 * memory.
 */
struct buffer *peer_out(struct peer *peer);

static inline bool peer_is_open(const struct peer *peer)
{
	return peer->source.fd >= 0;
}
