/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Earliest departure time: each packet takes its share of the clock, len / rate, and `fq` on the
 * device holds it until then. All CPUs and all child cgroups of a job share the one clock.
 */

#include "event.bpf.h"

/* A packet that would have to wait longer is dropped, one that waits long gets an ECN mark: TCP
 * then slows down, where without them a sender of UDP could queue without end. */
#define PACE_HORIZON (5 * NANOSECONDS)
#define PACE_MARK    (1 * NANOSECONDS)

#define PACE_TRIES 8 /* of the compare-and-swap, before the clock is only moved on */

/* Moves the clock on by `delay` ns and returns where this packet stands. */
static __always_inline __u64 pace_take(__u64 *clock, __u64 now, __u64 delay)
{
	__u64 seen = *(volatile __u64 *)clock;
	int i;

	for (i = 0; i < PACE_TRIES; i++) {
		__u64 start = seen > now ? seen : now;
		__u64 found = __sync_val_compare_and_swap(clock, seen, start + delay);

		if (found == seen)
			return start;
		seen = found;
	}
	return __sync_fetch_and_add(clock, delay);
}

/* Whether a packet that was not held back came all the same in its time: who went around the pacer gets no faster than
 * who waits beyond the horizon. */
static __always_inline bool pace_arrived(
	const struct __sk_buff *skb, __u64 rate, __u64 *clock)
{
	__u64 now = bpf_ktime_get_ns();

	if (!rate)
		return true;
	if (*(volatile __u64 *)clock > now + PACE_HORIZON)
		return false;
	pace_take(clock, now, skb->len * NANOSECONDS / rate);
	return true;
}

/* Gives a packet its time. Returns false where it is beyond the horizon. */
static __always_inline bool pace(struct __sk_buff *skb, __u64 rate, __u64 *clock)
{
	struct job_counters *counter = bpf_get_local_storage(&counters, 0);
	__u64 now = bpf_ktime_get_ns();
	__u64 departure;

	if (!rate)
		return true;
	if (*(volatile __u64 *)clock > now + PACE_HORIZON)
		return false;
	departure = pace_take(clock, now, skb->len * NANOSECONDS / rate);
	if (departure > now + PACE_MARK && bpf_skb_ecn_set_ce(skb))
		counter->marked_packets++;
	if (departure > skb->tstamp)
		skb->tstamp = departure;
	/* fq sends what has the priority of network control at once, whatever its time is. */
	skb->priority = 0;
	counter->paced_packets++;
	counter->paced_bytes += skb->len;
	return true;
}
