/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * How connections to sites end. Whoever ends one first keeps it in TIME-WAIT for a minute,
 * and with it a port of the node that no job gets for that site. So a site ends first where
 * it can. Else the connection is reset once the answer is whole and the site has
 * acknowledged the request, which leaves nothing.
 *
 * What the site may still need is closed in order. The kernel then forgets it as soon as
 * its end is acknowledged (TCP_LINGER2), unless both ends meet on their way, or one
 * direction stays open. Of those a job has so many in a minute.
 */

#include <stdbool.h>
#include <stdint.h>

/* Ends before the site's that a job may have at once, and within each minute after that. */
#define CLOSINGS_MAX 256

struct closings {
	uint64_t busy; /* until when, in ns, those of this job count */
};

/*
 * Whether the job may end one more before its site does at `now`, in ns. closings_take()
 * counts it, too.
 */
bool closings_may(const struct closings *closings, uint64_t now);
bool closings_take(struct closings *closings, uint64_t now);

/*
 * Has a socket to a site reset whenever it is closed, by the end of this process as well,
 * until it is chosen otherwise.
 */
void closing_prepare(int fd);

/* Whether the site has acknowledged all that was written to it. */
bool closing_is_acknowledged(int fd);

/*
 * Chooses how close(2) ends a socket to a site at `now`: in order where the site has ended,
 * or this end was told it already, or the job may do so; else by a reset. `over`: the site
 * needs nothing that it has acknowledged. Returns whether it ends in order.
 */
bool closing_choose(struct closings *closings, int fd, bool over, uint64_t now);
