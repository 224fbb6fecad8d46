/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The numbers that all parts of the throttle share: the programs in the kernel, the loader
 * that sets up `lo` and the listening sockets, and the proxy. Rates are in bytes per
 * second, times in nanoseconds.
 *
 * Packets on `lo` of a job have the size of an Ethernet frame. The node's own `lo` has an
 * MTU of 65536, and such a packet takes half a second at 1 Mbit/s. So the loader sets the
 * MTU, and both ends of a connection to the proxy use the segment size that fits into it
 * with either family:
 *
 *	1500  MTU
 *	 -40  IPv6 header (RFC 8200 section 3); IPv4 has 20 (RFC 791 section 3.1)
 *	 -20  TCP header (RFC 9293 section 3.1)
 *	1440  segment size, as the option MSS and TCP_MAXSEG count it
 *	 -12  TCP timestamps (RFC 7323 section 3.2), padded to words
 *	1428  payload of a full segment
 *
 * A full segment over IPv4 is then 1428 + 20 + 20 + 12 = 1480 bytes long, of which 52 are
 * headers.
 */

#include "jobfence/time.h"

#define THROTTLE_MTU	    1500
#define THROTTLE_IPV4	    20
#define THROTTLE_IPV6	    40
#define THROTTLE_TCP	    20
#define THROTTLE_TIMESTAMPS 12
#define THROTTLE_SEGMENT    (THROTTLE_MTU - THROTTLE_IPV6 - THROTTLE_TCP)
#define THROTTLE_PAYLOAD    (THROTTLE_SEGMENT - THROTTLE_TIMESTAMPS)
#define THROTTLE_HEADERS    (THROTTLE_IPV4 + THROTTLE_TCP + THROTTLE_TIMESTAMPS)

/*
 * How far a clock may lag behind the present: by one packet, or by a millisecond where that
 * is longer. A sender that comes a little late loses nothing of its rate.
 */
#define THROTTLE_CREDIT	     THROTTLE_MTU /* bytes */
#define THROTTLE_CREDIT_TIME MILLISECOND

/*
 * A packet that would wait longer than the horizon is dropped: otherwise a sender of UDP
 * could queue without end. A packet that waits longer than the mark gets an ECN mark, and
 * TCP slows down.
 */
#define THROTTLE_HORIZON (5 * SECOND)
#define THROTTLE_MARK	 (1 * SECOND)

/*
 * Acknowledgements may use this part of the rate before their turn: 1/16. An
 * acknowledgement of 52 bytes for each segment of 1480 needs about half of that.
 */
#define THROTTLE_OVERTAKING 16

/*
 * The kernel cuts a large packet into segments only after the pacer. One packet therefore
 * lasts at most 1/4000 second, so that packets of several connections which leave together
 * fill no window.
 */
#define THROTTLE_BURSTS 4000 /* per second */

_Static_assert(THROTTLE_SEGMENT == 1440, "as the comment has it");
_Static_assert(THROTTLE_PAYLOAD == 1428, "as the comment has it");
_Static_assert(THROTTLE_HEADERS == 52, "as the comment has it");
