/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A relay moves bytes between the job and a site, within the rate and the window of the
 * job. It knows neither HTTP nor TLS. Its owner decides what is read and written, and when.
 *
 *	client	 the peer on the side of the job
 *	upstream the peer on the side of the site. It comes and goes during the relay.
 *	account	 what became of the bytes that came from this upstream
 *	flow	 bytes in the pipe of a direction, while they are spliced
 *	turns	 one place in line for each direction, see pacer.h
 *
 * Nothing here calls the owner in the middle of something. Events, turns and timers only
 * wake the relay. The loop then runs its owner once, after the events of the same round.
 *
 * All bytes pass through peer_read() and peer_write(), except those that are spliced. An
 * end of TLS on either side is therefore in struct peer (tls_end.h), and nothing is spliced
 * to or from it. The account and struct peer hold all that the relay knows of an upstream.
 * So an idle upstream can leave one relay for another, see pool.h.
 *
 * What is paced, charged and counted are the bytes of the sockets, with all that TLS adds.
 */

#include "proxy/closing.h"
#include "proxy/flow.h"
#include "proxy/pacer.h"
#include "proxy/peer.h"
#include "proxy/window.h"

/* The part that all relays of a job share. */
struct relays {
	struct loop *loop;
	const volatile struct job_limits *limits;
	struct pacer *pacer;
	struct closings closings;
	struct active active;
	unsigned open;	 /* relays */
	uint64_t opened; /* so far */
};

struct relay;

/* The events that a relay tells its owner. */
struct relay_owner {
	/* The relay was woken. It may be closed meanwhile, and is freed later. */
	void (*run)(struct relay *relay);
	/* Bytes moved. */
	void (*moved)(struct relay *relay);
};

/* Bytes of one upstream: read from it, written to the client, and charged as a debt. */
struct account {
	uint64_t received, forwarded, charged;
};

struct relay {
	struct relays *all;
	const struct relay_owner *owner;
	uint64_t number; /* of this relay, for the trace */
	struct peer client, upstream;
	struct account account;
	struct flow flow[2];	 /* by direction */
	uint64_t sent, received; /* bytes, by the client, into a pipe as well */
	/* Bytes that were charged to UPLOAD, and those written to ends of TLS. */
	uint64_t uploaded, passed_on;
	struct domain_use *use; /* counts them for a domain. NULL: for none */
	struct waiter upload_turn, download_turn;
	struct deferred turn;
	bool turn_asked, closed;
	size_t window; /* of window_size(), that its sockets keep to */
	struct activity activity;
	bool backlogged; /* counted in struct active */
};

/* Sets up what relays share. Returns 0 or -ENOMEM. */
int relays_init(
	struct relays *all, struct loop *loop, const volatile struct job_limits *limits);

/*
 * Opens a relay for `fd`, a connected socket of the job. Returns 0 or -errno. On failure
 * the socket remains the caller's.
 */
int relay_open(
	struct relay *relay, struct relays *all, int fd, const struct relay_owner *owner);

/* Closes the client and leaves all lines. The upstream has to be closed already. */
void relay_close(struct relay *relay);

/* Has the owner run after the events of this round, or in the next round. */
void relay_wake(struct relay *relay);

/* Notes events of the upstream, and wakes the relay. */
void relay_note_upstream(struct relay *relay, uint32_t events);

/* Keeps the sockets to the window that each relay has by now. */
void relay_limit_windows(struct relay *relay);

/* Bytes to read at once, and whether so many already wait to be written to a peer. */
size_t relay_read_size(const struct relay *relay);
bool relay_is_full(const struct relay *relay, const struct peer *to);

/* Counts the relay as backlogged if it holds bytes that it can't pass on. */
void relay_count_backlog(struct relay *relay);

/*
 * Returns how many of `want` bytes may be moved now. 0 means none: the relay is woken when
 * it has its turn.
 */
size_t relay_ask(struct relay *relay, enum direction direction, size_t want);

/* Charges bytes that moved, and counts them. */
void relay_charge(struct relay *relay, enum direction direction, size_t bytes);

/*
 * Has the bytes that move from now on counted by `use` as well, and those that wait in
 * client.in. The request that they belong to was not known as they came.
 */
void relay_count_for(struct relay *relay, struct domain_use *use);

/*
 * Read and write as the pacer allows. They return as peer_read() and peer_write(), with
 * -EAGAIN also when the pacer allows nothing. The upstream is not read during a debt.
 */
long relay_read_client(struct relay *relay);
long relay_write_client(struct relay *relay);
long relay_read_upstream(struct relay *relay);
long relay_write_upstream(struct relay *relay);

/* Write all that waits. They return 0, -EAGAIN if something is left, or -errno. */
int relay_flush_client(struct relay *relay);
int relay_flush_upstream(struct relay *relay);

/*
 * Fills the pipe of a direction, which is empty, with at most `most` bytes as the pacer
 * allows. They count as moved. Returns as peer_splice(), or -ENOBUFS if there is no pipe.
 */
long relay_splice(struct relay *relay, enum direction direction, size_t most);

/* Writes what is in the pipe. Returns 0, -EAGAIN if something is left, or -errno. */
int relay_drain(struct relay *relay, enum direction direction);

/* Gives up what is in the pipe. Where the kernel paces, those bytes become debt. */
void relay_drop(struct relay *relay, enum direction direction);

/* Whether the relay stands in line. */
static inline bool relay_is_in_line(const struct relay *relay, enum direction direction)
{
	return ring_holds(direction == UPLOAD ? &relay->upload_turn.place
					      : &relay->download_turn.place);
}

/*
 * Closes the client, if it is open. Bytes in the pipe to it, and those that the kernel has
 * not sent to it, become debt.
 */
void relay_close_client(struct relay *relay);

/*
 * Closes the account of an upstream whose bytes were all forwarded or never will be. The
 * latter become debt. Later bytes are counted anew.
 */
void relay_settle(struct relay *relay);

/*
 * Closes the upstream, if it is open, see closing_choose() for `over`. Bytes in the pipe to
 * it are given up. Bytes that came from it and were not forwarded become debt. The account
 * begins anew.
 */
void relay_close_upstream(struct relay *relay, bool over);
