/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Earliest departure time: each packet takes its share of the clock, length / rate, and `fq` on the
 * device holds it until then. All CPUs and all child cgroups of a job share the one clock.
 */

#include "packet.bpf.h"

/* A packet that would have to wait longer is dropped, one that waits long gets an ECN mark: TCP
 * then slows down, where without them a sender of UDP could queue without end. */
#define PACE_HORIZON (5 * NANOSECONDS)
#define PACE_MARK    (1 * NANOSECONDS)

#define PACE_TRIES 8 /* of the compare-and-swap, before the clock is only moved on */

/* How far the clock may lag behind: one packet, which is at most a millisecond or else a segment long. It makes good
 * for a sender that came a little late. */
#define PACE_CREDIT	 1500 /* bytes */
#define PACE_CREDIT_TIME (NANOSECONDS / 1000)

/* Part of the rate that acknowledgements may have before their turn: one of 52 bytes for each segment of 1480 needs half. */
#define PACE_OVERTAKING 16

#define TCP_OFFSET_AT \
	12 /* RFC 9293 section 3.1: its upper half counts words of the header */
#define TCP_NOT_PURE	0x07 /* the same section: RST, SYN, FIN, in the byte after it */
#define TCP_HEADER_MAX	60
#define UDP_HEADER	8
#define TC_PRIO_CONTROL 7 /* linux/pkt_sched.h */

/* What the packet is on the wire: one that is still to be cut into segments has a header for each. */
static __always_inline __u64 pace_length(
	const struct __sk_buff *skb, const struct packet *packet)
{
	__u32 network = packet_network_header(packet);
	__u32 segments = skb->gso_segs, transport = UDP_HEADER;
	__u8 offset = 0;

	if (segments < 2)
		return skb->len;
	if (packet->protocol == IPPROTO_TCP) {
		bpf_skb_load_bytes(skb, network + TCP_OFFSET_AT, &offset, sizeof(offset));
		transport = (offset >> 4) * 4;
	}
	return skb->len + (__u64)(segments - 1) * (network + transport);
}

/* Moves the clock, which is never before `earliest`, on by `delay` ns and returns where this packet stands. */
static __always_inline __u64 pace_take(__u64 *clock, __u64 earliest, __u64 delay)
{
	__u64 seen = *(volatile __u64 *)clock;
	int i;

	for (i = 0; i < PACE_TRIES; i++) {
		__u64 start = seen > earliest ? seen : earliest;
		__u64 found = __sync_val_compare_and_swap(clock, seen, start + delay);

		if (found == seen)
			return start;
		seen = found;
	}
	return __sync_fetch_and_add(clock, delay);
}

/* Takes a packet's share of the clock. Returns false where that is beyond the horizon. */
static __always_inline bool pace_reserve(
	__u64 *clock, __u64 rate, __u64 length, __u64 now, __u64 *departure)
{
	__u64 credit = PACE_CREDIT * NANOSECONDS / rate;

	if (*(volatile __u64 *)clock > now + PACE_HORIZON)
		return false;
	if (credit < PACE_CREDIT_TIME)
		credit = PACE_CREDIT_TIME;
	*departure = pace_take(clock, now - credit, length * NANOSECONDS / rate);
	return true;
}

/* Whether a packet that was not held back came all the same in its time: who went around the pacer gets no faster than
 * who waits beyond the horizon. */
static __always_inline bool pace_arrived(
	const struct __sk_buff *skb, const struct packet *packet, __u64 rate, __u64 *clock)
{
	__u64 departure;

	return !rate || pace_reserve(clock, rate, pace_length(skb, packet),
				bpf_ktime_get_ns(), &departure);
}

/*
 * Whether a packet may leave before its turn: an acknowledgement without payload, so that what it acknowledges is not held up
 * by all that waits in the other direction. It has taken its share of the clock like any other.
 */
static __always_inline bool pace_overtakes(const struct __sk_buff *skb,
	const struct packet *packet, __u64 rate, __u64 now, __u64 *clock)
{
	__u32 network = packet_network_header(packet);
	__u8 header[2];

	if (packet->protocol != IPPROTO_TCP || skb->len > network + TCP_HEADER_MAX ||
		*(volatile __u64 *)clock > now ||
		bpf_skb_load_bytes(skb, network + TCP_OFFSET_AT, header, sizeof(header)) ||
		header[1] & TCP_NOT_PURE || skb->len != network + (header[0] >> 4) * 4)
		return false;
	pace_take(clock, now - PACE_CREDIT * NANOSECONDS / rate,
		skb->len * NANOSECONDS * PACE_OVERTAKING / rate);
	return true;
}

/* Gives a packet its time. Returns false where it is beyond the horizon. */
static __always_inline bool pace(struct __sk_buff *skb, const struct packet *packet,
	__u64 rate, __u64 *clock, __u64 *overtaking)
{
	struct job_counters *counter = bpf_get_local_storage(&counters, 0);
	__u64 now, length, departure;

	if (!rate)
		return true;
	now = bpf_ktime_get_ns();
	length = pace_length(skb, packet);
	if (!pace_reserve(clock, rate, length, now, &departure))
		return false;
	/* fq sends what has the priority of network control at once, whatever its time is. */
	if (pace_overtakes(skb, packet, rate, now, overtaking)) {
		skb->priority = TC_PRIO_CONTROL;
	} else {
		if (departure > now + PACE_MARK && bpf_skb_ecn_set_ce(skb))
			counter->marked_packets++;
		if (departure > skb->tstamp)
			skb->tstamp = departure;
		skb->priority = 0;
	}
	counter->paced_packets += skb->gso_segs > 1 ? skb->gso_segs : 1;
	counter->paced_bytes += length;
	return true;
}
