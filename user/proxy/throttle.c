// SPDX-License-Identifier: BSD-2-Clause
/*
 * The bucket holds the bytes of a fiftieth of a second, but at least two full segments. Who finds it empty stands in
 * line; a timer wakes the first of the line when a segment's worth is there. Each is woken once and lines up anew:
 * so connections take turns.
 */

#include <errno.h>
#include <stdlib.h>

#include "lib/cleanup.h"
#include "proxy/throttle.h"

#define NANOSECONDS 1000000000ULL
#define SEGMENT	    1448UL /* bytes of TCP in an Ethernet frame */

struct bucket {
	struct throttle *throttle;
	uint64_t tokens; /* bytes */
	uint64_t filled; /* when, ns */
	struct timer timer;
	struct waiter line; /* head of a ring; `next` is first */
	bool serving;	    /* whoever runs is the one whose turn it is */
};

struct throttle {
	struct loop *loop;
	const volatile __u64 *wanted_rate; /* by the loader, at any time */
	uint64_t rate, depth;
	struct bucket buckets[2];
};

/* Takes over a rate that has changed. */
static void refresh(struct throttle *throttle)
{
	throttle->rate = *throttle->wanted_rate;
	throttle->depth =
		throttle->rate / 50 > 2 * SEGMENT ? throttle->rate / 50 : 2 * SEGMENT;
}

static void fill(struct bucket *bucket)
{
	const struct throttle *throttle = bucket->throttle;
	uint64_t now = loop_now(throttle->loop), passed = now - bucket->filled;
	uint64_t fresh;

	if (!throttle->rate) {
		bucket->tokens = throttle->depth;
		bucket->filled = now;
		return;
	}
	if (passed > NANOSECONDS)
		passed = NANOSECONDS;
	fresh = passed * throttle->rate / NANOSECONDS;
	if (!fresh)
		return;
	bucket->tokens += fresh;
	/* What was too little for a byte stays in the clock. */
	bucket->filled = now - passed + fresh * NANOSECONDS / throttle->rate;
	if (bucket->tokens > throttle->depth) {
		bucket->tokens = throttle->depth;
		bucket->filled = now;
	}
}

static bool is_empty(const struct bucket *bucket)
{
	return bucket->line.next == &bucket->line;
}

static void set_timer(struct bucket *bucket)
{
	const struct throttle *throttle = bucket->throttle;
	uint64_t missing = bucket->tokens < SEGMENT ? SEGMENT - bucket->tokens : 1;
	uint64_t wait = throttle->rate ? missing * NANOSECONDS / throttle->rate : 0;

	if (!is_empty(bucket) && !bucket->timer.deadline)
		loop_set_timer(throttle->loop, &bucket->timer, wait + 1);
}

static void bucket_expired(struct timer *timer)
{
	struct bucket *bucket = container_of(timer, struct bucket, timer);
	struct waiter *waiter = bucket->line.next;

	refresh(bucket->throttle);
	fill(bucket);
	if (!is_empty(bucket) && bucket->tokens) {
		throttle_leave(waiter);
		bucket->serving = true;
		waiter->ready(waiter);
		bucket->serving = false;
	}
	set_timer(bucket);
}

int throttle_new(struct loop *loop, const volatile __u64 *rate, struct throttle **throttle)
{
	struct throttle *new = calloc(1, sizeof(*new));

	if (!new)
		return -ENOMEM;
	new->loop = loop;
	new->wanted_rate = rate;
	refresh(new);
	for (size_t i = 0; i < ARRAY_SIZE(new->buckets); i++) {
		struct bucket *bucket = &new->buckets[i];

		bucket->throttle = new;
		bucket->filled = loop_now(loop);
		bucket->timer.expired = bucket_expired;
		bucket->line.next = bucket->line.previous = &bucket->line;
	}
	*throttle = new;
	return 0;
}

void throttle_free(struct throttle *throttle)
{
	if (!throttle)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(throttle->buckets); i++)
		loop_cancel_timer(throttle->loop, &throttle->buckets[i].timer);
	free(throttle);
}

size_t throttle_allowance(struct throttle *throttle, enum direction direction, size_t want)
{
	struct bucket *bucket = &throttle->buckets[direction];

	refresh(throttle);
	if (!throttle->rate)
		return want;
	/* Who was here first is served first. */
	if (!is_empty(bucket) && !bucket->serving)
		return 0;
	fill(bucket);
	/* Some bytes are not worth a segment of their own, unless no more are wanted. */
	if (bucket->tokens < want)
		return bucket->tokens < SEGMENT ? 0 : (size_t)bucket->tokens;
	return want;
}

void throttle_spend(struct throttle *throttle, enum direction direction, size_t bytes)
{
	struct bucket *bucket = &throttle->buckets[direction];

	if (throttle->rate)
		bucket->tokens -= bytes < bucket->tokens ? bytes : bucket->tokens;
}

void throttle_wait(
	struct throttle *throttle, enum direction direction, struct waiter *waiter)
{
	struct bucket *bucket = &throttle->buckets[direction];

	if (waiter->next)
		return;
	waiter->next = &bucket->line;
	waiter->previous = bucket->line.previous;
	waiter->previous->next = waiter;
	bucket->line.previous = waiter;
	set_timer(bucket);
}

void throttle_leave(struct waiter *waiter)
{
	if (!waiter->next)
		return;
	waiter->previous->next = waiter->next;
	waiter->next->previous = waiter->previous;
	waiter->next = waiter->previous = NULL;
}
