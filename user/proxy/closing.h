/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * How connections to sites end. The end that closes first keeps the connection in TIME-WAIT
 * for a minute. It occupies a port of the node, which no job gets for that site meanwhile.
 * So the site closes first where it can. Otherwise the proxy resets the connection, which
 * leaves nothing. It does so once the answer is whole and the site has acknowledged the
 * request.
 *
 * If the site may still need something, the proxy closes in order. The kernel then forgets
 * the connection as soon as the site acknowledges the end (TCP_LINGER2). It does not if
 * both ends cross on their way, or if one direction stays open. So a job may close first
 * only so often in a minute.
 */

#include <stdbool.h>
#include <stdint.h>

/*
 * Connections that a job may close before the site does: so many at once, and so many
 * within each minute after that.
 */
#define CLOSINGS_MAX 256

struct closings {
	uint64_t busy; /* until when the closes of this job count, ns */
};

/*
 * Whether the job may close one more connection before its site does. `now` is in ns.
 * closings_take() also counts it.
 */
bool closings_may(const struct closings *closings, uint64_t now);
bool closings_take(struct closings *closings, uint64_t now);

/*
 * Makes each close of a socket to a site a reset, even at the end of this process.
 * closing_choose() may choose otherwise.
 */
void closing_prepare(int fd);

/* Whether the site has acknowledged all that was written to it. */
bool closing_is_acknowledged(int fd);

/*
 * Chooses how close(2) ends a socket to a site at `now`. It closes in order if one of these
 * holds:
 *
 *	the site has ended
 *	this end has already been sent to the site
 *	the site may still need something, and the job may close first once more
 *
 * Otherwise it resets the connection. A site needs nothing more if `over` is set and it has
 * acknowledged all. Returns whether the connection ends in order.
 */
bool closing_choose(struct closings *closings, int fd, bool over, uint64_t now);
