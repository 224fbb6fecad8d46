/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The throttle where the kernel does not pace: a clock for each direction, shared by all connections of the job, which
 * wait in line for it. Headers and acknowledgements take their share too: the kernel tells how many segments were sent.
 * Where it does, what the proxy adds on the way to the sites is held. What it drops is, in either case. So are new
 * connections to sites, also where the job has no rate.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jobfence/abi.h>

#include "proxy/peer.h"

/* Connections to sites have a clock of their own, which counts tries. */
enum direction { UPLOAD, DOWNLOAD, DIALS };

struct throttle;

/* Somebody who waits for his turn. */
struct waiter {
	void (*ready)(struct waiter *waiter);
	struct waiter *next, *previous; /* NULL when not in line */
};

/* Makes a throttle that keeps to the limits of the job, which may change at any time. Returns 0 or -ENOMEM. */
int throttle_new(struct loop *loop, const volatile struct job_limits *limits,
	struct throttle **throttle);
void throttle_free(struct throttle *throttle);

/* How many of `want` bytes may be moved now; 0: none, wait. */
size_t throttle_allowance(struct throttle *throttle, enum direction direction, size_t want);

/* Moves the clocks on by what was moved, and by the headers of all that was sent to the upstream and to the client since the last
 * time; either may be closed. */
void throttle_spend(struct throttle *throttle, enum direction direction, size_t bytes,
	struct peer *upstream, struct peer *client);

/* Moves the clocks on by a try to connect `upstream`, whose socket sends a SYN, and by what it sends as it closes. */
void throttle_dial(struct throttle *throttle, struct peer *upstream);

/* The same by what the try took besides as it failed: more SYNs, and an answer. */
void throttle_dial_failed(struct throttle *throttle, struct peer *upstream);

/* Has nothing move, either way, for as long as bytes take that came from a site and go to nobody. */
void throttle_lose(struct throttle *throttle, size_t bytes);

/* Whether such bytes still take time. */
bool throttle_is_behind(const struct throttle *throttle);

/* Stands in line, at most once: ready() is called from the loop when there is something again. */
void throttle_wait(
	struct throttle *throttle, enum direction direction, struct waiter *waiter);
void throttle_leave(struct waiter *waiter);
