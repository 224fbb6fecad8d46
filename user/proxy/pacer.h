/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The pacer keeps the proxy to the rate of the job.
 *
 * Four quantities
 *
 *	rate R	 bytes per second in each direction. Headers of packets count as well.
 *	clock	 `departure`, the time at which the next bytes may move. Bytes move while
 *		 departure <= now. Moving n bytes adds n / R to it.
 *	credit	 how far departure may lag behind now. An idle job saves up no more.
 *	debt	 `debt_until`, a time. Nothing moves in either direction before it.
 *
 * Three clocks. All connections of the job share them.
 *
 *			the proxy paces		the kernel paces
 *	UPLOAD		R			R + R / 16
 *	DOWNLOAD	R			no rate
 *	DIALS		min(200, R / 208) tries a second, 200 without a rate
 *
 * The kernel paces where `lo` of the job has the queueing discipline fq. The UPLOAD clock
 * then bounds only what the proxy adds on its way to the sites, such as header fields.
 * The sixteenth is its tolerance, so normal traffic never waits for it. A try to connect
 * costs 156 bytes for three segments of the proxy, and 52 for one of the site.
 *
 * Credits
 *
 *	the proxy paces	  one quantum with a header, at least 4 ms
 *	the kernel paces  250 ms, since sites may have had less than the rate
 *	DIALS		  5 s
 *
 * A quantum is what may move at once: whole segments of about a millisecond, at least one.
 *
 * Who charges what
 *
 *	relay	  UPLOAD    bytes that were read from the job
 *	relay	  DOWNLOAD  bytes that were written to the job
 *	pacer	  both	    52 bytes for each segment that the kernel sent meanwhile, and
 *			    once two segments more, for the end of the connection
 *	request	  UPLOAD    bytes by which the proxy made a request longer
 *	exchange  UPLOAD    a request that is sent a second time
 *	dial	  DIALS	    one try; UPLOAD gets its 156 bytes, and more if it fails
 *	relay	  debt	    bytes that a site sent and the job never gets
 *	dial	  debt	    the answer of a site to a try that failed
 *
 * The invariant. In each period of t seconds a clock lets pass at most
 *
 *	R * (t + credit) + one quantum with its header
 *
 * Proof: the first charge leaves departure at now - credit or later. Each charge adds its
 * time, and the last bytes move only if departure is not beyond the end of the period.
 * At 1 Mbit/s (R = 125,000) a quantum with its header is 1,480 bytes, or 11.84 ms, and so
 * is the credit. A job gets at most 2,960 bytes more than t * R.
 *
 * A worked example, at 1 Mbit/s, where the proxy paces a download:
 *
 *	t = 0 ms      idle before: departure = -11.84. 1,480 bytes move: 0.
 *	t = 0 ms      departure <= now. 1,480 bytes move: 11.84. The relay gets in line.
 *	t = 11.84 ms  the timer wakes it. 1,480 bytes move: 23.68. And so on.
 *	t = 1000 ms   the job closes, 64 KiB of the site are left. The debt is
 *		      (65,536 + 45 * 52) / 125,000 = 0.543 s.
 *	t = 1543 ms   the next bytes of any connection move.
 *
 * Turns. Whoever finds a clock ahead stands in its line. A timer gives the turn to the
 * first of the line. That one may move quanta until the clock is ahead, and then lines up
 * anew. So connections take turns.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jobfence/abi.h"
#include "lib/ring.h"
#include "proxy/peer.h"

/* The clocks. DIALS counts tries to connect, and the others count bytes. */
enum direction { UPLOAD, DOWNLOAD, DIALS };

struct pacer;
struct clock;

/* A waiter waits for a turn. */
struct waiter {
	void (*ready)(struct waiter *waiter);
	struct ring place;     /* in a line. In no ring: it does not stand in line */
	struct clock *turn_of; /* NULL when it is not its turn */
};

/*
 * Makes a pacer. `limits` are those of the job, and may change at any time. Returns 0 or
 * -ENOMEM.
 */
int pacer_new(
	struct loop *loop, const volatile struct job_limits *limits, struct pacer **pacer);
void pacer_free(struct pacer *pacer);

/*
 * Returns how many of `want` bytes, or tries, may move now. 0 means none: `waiter` then
 * stands in line.
 */
size_t pacer_ask(
	struct pacer *pacer, enum direction direction, struct waiter *waiter, size_t want);

/*
 * Charges bytes that moved, and the headers of all segments that the kernel sent to the
 * upstream and to the client since the last call. Either may be closed.
 */
void pacer_charge(struct pacer *pacer, enum direction direction, size_t bytes,
	struct peer *upstream, struct peer *client);

/* Charges a try to connect `upstream`, whose socket sends a SYN, and its end. */
void pacer_charge_dial(struct pacer *pacer, struct peer *upstream);

/* Charges what a failed try took besides: repeated SYNs, and an answer of the site. */
void pacer_charge_failed_dial(struct pacer *pacer, struct peer *upstream);

/* Adds bytes to the debt that a site sent and the job never gets. */
void pacer_charge_unforwarded(struct pacer *pacer, size_t bytes);

/* Whether there is a debt now. */
bool pacer_is_in_debt(const struct pacer *pacer);

/*
 * Puts a waiter in line, once at most. The loop calls ready() when its turn comes. The turn
 * lasts until pacer_end_turn(), or until the waiter leaves.
 */
void pacer_wait(struct pacer *pacer, enum direction direction, struct waiter *waiter);
void pacer_end_turn(struct waiter *waiter);
void pacer_leave(struct waiter *waiter);
