/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A peer is one end of a relay: a socket that does not block, bytes read from it, and bytes
 * to be written to it. It remembers whether reading and writing would block. So nothing is
 * tried in vain.
 *
 * The loop is asked once for all events of the socket, edge-triggered. An event comes when
 * something changes, and then not again. So `readable` and `writable` stay set until a call
 * has shown that the socket is empty, or its queue full. A short read shows that it is
 * empty, with these exceptions. Each of them comes with an event of its own, at the latest
 * after the read.
 *
 *	ended	 the end is there already, after the bytes
 *	hung	 so is an error
 *	urgent	 a read stops where urgent data begin (tcp(7))
 *
 * With an end of TLS, `in` and `out` have what was decrypted and what is to be encrypted.
 * Then `out` is there, and may be empty, as long as any record waits to be sent. So without
 * `out` all is sent, with TLS as without.
 */

#include <stdbool.h>
#include <stdint.h>

#include "proxy/buffer.h"
#include "proxy/loop.h"
#include "proxy/tls_end.h"

struct peer {
	struct source source; /* source.fd is -1 when closed */
	struct loop *loop;
	bool connecting;	  /* not connected yet */
	bool readable, writable;  /* worth a try */
	bool ended, hung, urgent; /* see above */
	bool eof;		  /* the other side sends no more */
	int error;		  /* -errno of a failed read. The kernel tells it once */
	bool bounded;		  /* its queue to send has a bound, see has_room() */
	size_t unseen;		  /* bytes written since there was room in that queue */
	bool reset;		  /* a write found ECONNRESET. No read will */
	uint32_t segments;	  /* sent, of which the pacer knows */
	struct buffer *in, *out;  /* NULL when empty */
	struct tls_end *tls;	  /* NULL: its bytes are those of the socket */
	uint64_t read, written;	  /* bytes of the socket, so far */
	uint64_t heard;		  /* bytes that peer_read() returned, so far */
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
 * callback, and is told again what the socket is ready for. Returns 0 or -errno. On failure
 * nothing has moved.
 */
int peer_move(struct peer *to, struct peer *from,
	void (*ready)(struct source *source, uint32_t events));

/*
 * Has all further bytes pass through an end of TLS, which the peer takes over. Bytes that
 * were read already are its first records. `out` has to be empty.
 */
void peer_secure(struct peer *peer, struct tls_end *tls);

/* Closes the socket, if it is open, and gives its buffers back. */
void peer_close(struct peer *peer);

/* Notes the events that the loop reported. */
void peer_note(struct peer *peer, uint32_t events);

/*
 * Reads at most `most` bytes of the socket, after those in peer->in. Returns how many
 * bytes peer->in has more, or
 *
 *	0	  the end. peer->eof is set
 *	-EAGAIN	  nothing now
 *	-EINPROGRESS the bytes that it read are no whole record of TLS. There may be more
 *	-ENOBUFS  no room
 *	-errno	  any other failure
 */
long peer_read(struct peer *peer, size_t most);

/*
 * Moves at most `most` bytes into a pipe, past peer->in. Returns as peer_read(), or
 *
 *	-ENODATA  peer_read() tells: it is the end, an error, or urgent data
 */
long peer_splice(struct peer *peer, int pipe, size_t most);

/*
 * Writes at most `most` bytes of peer->out to the socket, or of its records. Returns how
 * many, -EAGAIN if none can be written now, or -errno.
 */
long peer_write(struct peer *peer, size_t most);

/* Writes at most `most` bytes from a pipe, and returns as peer_write(). */
long peer_drain(struct peer *peer, int pipe, size_t most);

/*
 * Returns the buffer of bytes to be written, and makes it if there is none. NULL: no
 * memory.
 */
struct buffer *peer_out(struct peer *peer);

/* Gives that buffer back if nothing waits to be sent. */
void peer_put_out(struct peer *peer);

/* Tells the other side that nothing follows. All that waited is written already. */
void peer_end(struct peer *peer);

/* Reads bytes of the socket and drops them. Returns as peer_read(). */
long peer_drop(struct peer *peer);

/* Bytes that were read and that nobody has taken out of peer->in, and gives them up. */
size_t peer_unread(const struct peer *peer);
void peer_forget(struct peer *peer);

/* Bytes of the socket that `length` bytes become, and all that wait to be sent. */
size_t peer_wire_length(const struct peer *peer, size_t length);
size_t peer_unsent(const struct peer *peer);

/* Whether reading is worth a try. */
static inline bool peer_may_read(const struct peer *peer)
{
	return (peer->readable || (peer->tls && peer->tls->decrypted)) && !peer->eof;
}

static inline bool peer_is_open(const struct peer *peer)
{
	return peer->source.fd >= 0;
}
