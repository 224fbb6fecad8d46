/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * The pacer, by earliest departure time. Each packet takes its share of the job's clock,
 * length / rate, and `fq` on the device holds the packet until its time. All CPUs and all
 * child cgroups of a job share the one clock. The numbers are in throttle.h.
 */

#include "packet.bpf.h"

#include <linux/pkt_sched.h>

#include "jobfence/throttle.h"

#define PACE_TRIES 8 /* of the compare-and-swap, before the clock is only moved on */

/* RFC 9293 section 3.1: the upper half of this byte counts the words of the header. */
#define TCP_OFFSET_AT  12
#define TCP_NOT_PURE   0x07 /* RST, SYN and FIN, in the byte after that */
#define TCP_HEADER_MAX 60
#define UDP_HEADER     8

/*
 * The length of a packet on the wire. A packet that the kernel will cut into segments has
 * headers for each.
 */
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

/*
 * Moves the clock on by `delay` ns, from `earliest` if the clock is before that. Returns
 * the time from which it was moved: the departure of this packet.
 */
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

/*
 * Takes a packet's share of the clock. Returns false if the packet would leave beyond the
 * horizon; it takes nothing then.
 */
static __always_inline bool pace_reserve(
	__u64 *clock, __u64 rate, __u64 length, __u64 now, __u64 *departure)
{
	__u64 seen = *(volatile __u64 *)clock, credit = THROTTLE_CREDIT_TIME;

	if (seen > now + THROTTLE_HORIZON)
		return false;
	/* A clock that lags behind less needs no division. */
	if (seen < now - credit && credit < THROTTLE_CREDIT * SECOND / rate)
		credit = THROTTLE_CREDIT * SECOND / rate;
	*departure = pace_take(clock, now - credit, length * SECOND / rate);
	return true;
}

/*
 * Whether a packet arrived in its time. The pacer of the sender held it back already,
 * unless the job went around it. Then this clock runs ahead until packets are beyond the
 * horizon.
 */
static __always_inline bool pace_arrived(
	const struct __sk_buff *skb, const struct packet *packet, __u64 rate, __u64 *clock)
{
	__u64 departure;

	return !rate || pace_reserve(clock, rate, pace_length(skb, packet),
				bpf_ktime_get_ns(), &departure);
}

/*
 * Whether a packet may leave before its turn: an acknowledgement without payload.
 * Otherwise the data that it acknowledges would wait for the other direction. It has
 * taken its share of the clock like any other packet.
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
	pace_take(clock, now - THROTTLE_CREDIT * SECOND / rate,
		skb->len * SECOND * THROTTLE_OVERTAKING / rate);
	return true;
}

/*
 * For how long a packet waits, in ns, but at most for its share of the clock. Packets that
 * wait at the same time have shares that follow one another, so no time counts twice.
 */
static __always_inline __u64 pace_held(__u64 departure, __u64 now, __u64 length, __u64 rate)
{
	__u64 share;

	if (departure <= now)
		return 0;
	share = length * SECOND / rate;
	return departure - now < share ? departure - now : share;
}

/*
 * Gives a packet its departure time. Returns false if it is beyond the horizon. `rate` is
 * in bytes per second, 0: no pacing.
 */
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
	/*
	 * fq sends a packet with the priority of network control at once, whatever its
	 * time is.
	 */
	if (pace_overtakes(skb, packet, rate, now, overtaking)) {
		skb->priority = TC_PRIO_CONTROL;
	} else {
		if (departure > now + THROTTLE_MARK && bpf_skb_ecn_set_ce(skb))
			count(&counter->marked_packets);
		if (departure > skb->tstamp)
			skb->tstamp = departure;
		add(&counter->held, pace_held(departure, now, length, rate));
		skb->priority = 0;
	}
	add(&counter->paced_packets, skb->gso_segs > 1 ? skb->gso_segs : 1);
	add(&counter->paced_bytes, length);
	return true;
}
