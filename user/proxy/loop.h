/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The event loop of one thread: epoll for descriptors, a sorted list for deadlines. Sources
 * and timers are embedded in their owners (container_of()), so nothing is allocated here.
 *
 * Any callback may remove a source and free its owner, even its own. There is one rule. An
 * owner that may still have an event in the current batch is freed by loop_defer(), which
 * runs when the batch is done.
 */

#include <stdbool.h>
#include <stdint.h>

#include "lib/ring.h"

struct loop;

struct source {
	void (*ready)(struct source *source, uint32_t events); /* EPOLL* */
	int fd;
	uint32_t events;
};

struct timer {
	void (*expired)(struct timer *timer);
	uint64_t deadline; /* ns of CLOCK_MONOTONIC, 0: not set */
	struct ring place; /* among those that are set */
};

struct deferred {
	void (*run)(struct deferred *deferred);
	struct deferred *next;
};

/* Makes a loop. Returns 0, or -errno of epoll_create1(2), -ENOMEM. */
int loop_new(struct loop **loop);
void loop_free(struct loop *loop);

/*
 * Watches source->fd for `events` (EPOLLIN …), level-triggered without EPOLLET. Returns 0
 * or -errno.
 */
int loop_add(struct loop *loop, struct source *source, uint32_t events);

/* Changes the events that are watched, if they differ. Returns 0 or -errno. */
int loop_change(struct loop *loop, struct source *source, uint32_t events);

/*
 * Has `to` take the place of `from`, which is watched, with the same descriptor. Returns 0
 * or -errno. On failure `from` is still watched.
 */
int loop_move(struct loop *loop, struct source *to, struct source *from, uint32_t events);

/* Stops watching. Call it before the owner closes the descriptor. */
void loop_remove(struct loop *loop, struct source *source);

/*
 * Stops watching and closes the descriptor, the only one of its file. The kernel then
 * forgets it by itself.
 */
void loop_close(struct loop *loop, struct source *source);

/* Sets a deadline `nanoseconds` from now, in place of the timer's earlier one. */
void loop_set_timer(struct loop *loop, struct timer *timer, uint64_t nanoseconds);
void loop_cancel_timer(struct loop *loop, struct timer *timer);

/* Runs `deferred` after the current batch of events. */
void loop_defer(struct loop *loop, struct deferred *deferred);

/* Runs `last` at the end of each round, after all else. */
void loop_set_last(struct loop *loop, struct deferred *last);

/* ns of CLOCK_MONOTONIC when the current batch began. */
uint64_t loop_now(const struct loop *loop);

/* Runs until loop_stop(). Returns 0 or -errno of epoll_wait(2). */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
