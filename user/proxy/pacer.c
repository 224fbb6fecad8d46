// SPDX-License-Identifier: BSD-2-Clause
/*
 * Each direction has a clock, as the kernel's pacer has: what moves takes its share of it, and nothing moves while it is
 * ahead of the time. Who finds it ahead stands in line; a timer wakes the first of the line. Each is woken
 * once, may move one quantum and lines up anew: so connections take turns.
 */

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <linux/tcp.h> /* the C library's struct tcp_info has no segments */

#include "lib/cleanup.h"
#include "proxy/pacer.h"

#define NANOSECONDS	  1000000000ULL
#define SEGMENT		  1428UL /* bytes of TCP: what the listeners ask for, less 12 of timestamps */
#define HEADERS		  52UL /* bytes before them, of IPv4 and TCP; IPv6 has 20 more */
#define CLOSING		  2UL /* segments: the end, and an acknowledgement of the other's */
#define FREE		  UINT32_MAX /* number of segments: those of a time without a rate */
#define QUANTA_PER_SECOND 1000UL     /* where a segment takes less than that */
#define LATENESS	  4000000UL  /* ns that a busy machine may wake us too late */
#define REST		  (NANOSECONDS / 4) /* ns that the sites may have had less than the rate */
#define SLACK		  16UL		    /* part of the rate */
#define DIALS_PER_SECOND  200UL
#define DIALS_REST	  (5 * NANOSECONDS) /* so many seconds of them may begin at once */
#define DIAL		  ((1 + CLOSING) * HEADERS) /* bytes: a SYN, and the end */

struct lane {
	struct throttle *throttle;
	uint64_t rate;	    /* bytes of packets, or dials, per second by now, 0: none */
	uint64_t departure; /* when the next bytes may move, ns of loop_now() */
	struct timer timer;
	struct waiter line; /* head of a ring; `next` is first */
	bool serving;	    /* whoever runs is the one whose turn it is */
};

struct throttle {
	struct loop *loop;
	const volatile struct job_limits *limits; /* by the loader, at any time */
	struct lane lanes[3];
	uint64_t behind; /* until when nothing moves, for what was lost, ns of loop_now() */
};

/* Bytes that may move at once: whole segments, as the rest would be a packet of its own. */
static size_t quantum(const struct lane *lane)
{
	size_t segments = (size_t)(lane->rate / QUANTA_PER_SECOND / SEGMENT);

	return (segments ? segments : 1) * SEGMENT;
}

/* How long, in ns, bytes take, those of headers among them. */
static uint64_t duration(const struct lane *lane, size_t bytes)
{
	return bytes * NANOSECONDS / lane->rate;
}

/* Tries alone take no more than the rate: each has an answer, too. */
static uint64_t dials_rate(uint64_t rate)
{
	uint64_t dials = rate / (DIAL + HEADERS);

	if (!rate || dials > DIALS_PER_SECOND)
		return DIALS_PER_SECOND;
	return dials ? dials : 1;
}

/* Where the kernel paces it is only what the proxy adds on its way to the sites that is held here: with some slack, so that
 * nothing else ever waits. */
static void follow_limits(struct throttle *throttle)
{
	uint64_t paced = throttle->limits->paced, rate = throttle->limits->rate;

	throttle->lanes[UPLOAD].rate = paced ? paced : rate + rate / SLACK;
	throttle->lanes[DOWNLOAD].rate = paced;
	throttle->lanes[DIALS].rate = dials_rate(rate);
}

static bool is_empty(const struct lane *lane)
{
	return lane->line.next == &lane->line;
}

/* When something may move, as a time of loop_now(). */
static uint64_t turn(const struct lane *lane)
{
	const struct throttle *throttle = lane->throttle;

	return throttle->limits->rate && throttle->behind > lane->departure
		       ? throttle->behind
		       : lane->departure;
}

static void set_timer(struct lane *lane)
{
	struct loop *loop = lane->throttle->loop;
	uint64_t now = loop_now(loop);

	if (!is_empty(lane) && !lane->timer.deadline)
		loop_set_timer(loop, &lane->timer, turn(lane) > now ? turn(lane) - now : 1);
}

static void lane_expired(struct timer *timer)
{
	struct lane *lane = container_of(timer, struct lane, timer);
	struct waiter *waiter = lane->line.next;

	if (!is_empty(lane) && turn(lane) <= loop_now(lane->throttle->loop)) {
		throttle_leave(waiter);
		lane->serving = true;
		waiter->ready(waiter);
		lane->serving = false;
	}
	set_timer(lane);
}

int throttle_new(struct loop *loop, const volatile struct job_limits *limits,
	struct throttle **throttle)
{
	struct throttle *new = calloc(1, sizeof(*new));

	if (!new)
		return -ENOMEM;
	new->loop = loop;
	new->limits = limits;
	for (size_t i = 0; i < ARRAY_SIZE(new->lanes); i++) {
		struct lane *lane = &new->lanes[i];

		lane->throttle = new;
		lane->timer.expired = lane_expired;
		lane->line.next = lane->line.previous = &lane->line;
	}
	*throttle = new;
	return 0;
}

void throttle_free(struct throttle *throttle)
{
	if (!throttle)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(throttle->lanes); i++)
		loop_cancel_timer(throttle->loop, &throttle->lanes[i].timer);
	free(throttle);
}

size_t throttle_allowance(struct throttle *throttle, enum direction direction, size_t want)
{
	const struct lane *lane = &throttle->lanes[direction];
	size_t most;

	follow_limits(throttle);
	/* Who was here first is served first. */
	if (turn(lane) > loop_now(throttle->loop) ||
		(lane->rate && !is_empty(lane) && !lane->serving))
		return 0;
	if (!lane->rate)
		return want;
	most = quantum(lane);
	return want < most ? want : most;
}

/* How far, in ns, a clock may lag behind: one quantum, as in the kernel's pacer; or what makes good for a timer that came late. */
static uint64_t credit(const struct lane *lane)
{
	uint64_t one = duration(lane, quantum(lane) + HEADERS);

	if (lane == &lane->throttle->lanes[DIALS])
		return DIALS_REST;
	if (!lane->throttle->lanes[DOWNLOAD].rate)
		return REST;
	return one < LATENESS ? LATENESS : one;
}

/* Bytes of the headers of segments that a socket sent since the last time, and, once, will send as it closes. */
static size_t headers(const struct lane *lane, struct peer *peer)
{
	struct tcp_info info;
	socklen_t length = sizeof(info);
	uint32_t before = peer->segments;

	if (!lane->rate)
		peer->segments = FREE;
	if (!lane->rate || !peer_is_open(peer) ||
		getsockopt(peer->source.fd, IPPROTO_TCP, TCP_INFO, &info, &length))
		return 0;
	peer->segments = info.tcpi_segs_out;
	if (before == FREE)
		return 0;
	return (peer->segments - before + (before ? 0 : CLOSING)) * HEADERS;
}

/* Moves a clock on by bytes on the wire. */
static void charge(struct lane *lane, size_t bytes)
{
	uint64_t now = loop_now(lane->throttle->loop), most;

	if (!lane->rate)
		return;
	most = credit(lane);
	if (lane->departure + most < now)
		lane->departure = now - most;
	lane->departure += duration(lane, bytes);
}

void throttle_spend(struct throttle *throttle, enum direction direction, size_t bytes,
	struct peer *upstream, struct peer *client)
{
	struct lane *upload = &throttle->lanes[UPLOAD],
		    *download = &throttle->lanes[DOWNLOAD];

	follow_limits(throttle);
	charge(&throttle->lanes[direction], bytes);
	charge(upload, headers(upload, upstream));
	charge(download, headers(download, client));
}

void throttle_dial(struct throttle *throttle, struct peer *upstream)
{
	struct lane *upload = &throttle->lanes[UPLOAD];

	follow_limits(throttle);
	charge(&throttle->lanes[DIALS], 1);
	charge(upload, DIAL);
	upstream->segments = upload->rate ? 1 : FREE;
}

void throttle_dial_failed(struct throttle *throttle, struct peer *upstream)
{
	struct lane *upload = &throttle->lanes[UPLOAD];

	follow_limits(throttle);
	charge(upload, headers(upload, upstream));
	throttle_lose(throttle, HEADERS);
}

void throttle_lose(struct throttle *throttle, size_t bytes)
{
	uint64_t rate = throttle->limits->rate, now = loop_now(throttle->loop);

	if (!rate)
		return;
	if (throttle->behind < now)
		throttle->behind = now;
	throttle->behind += (bytes + bytes / SEGMENT * HEADERS) * NANOSECONDS / rate;
}

bool throttle_is_behind(const struct throttle *throttle)
{
	return throttle->limits->rate && throttle->behind > loop_now(throttle->loop);
}

void throttle_wait(
	struct throttle *throttle, enum direction direction, struct waiter *waiter)
{
	struct lane *lane = &throttle->lanes[direction];

	if (waiter->next)
		return;
	waiter->next = &lane->line;
	waiter->previous = lane->line.previous;
	waiter->previous->next = waiter;
	lane->line.previous = waiter;
	set_timer(lane);
}

void throttle_leave(struct waiter *waiter)
{
	if (!waiter->next)
		return;
	waiter->previous->next = waiter->next;
	waiter->next->previous = waiter->previous;
	waiter->next = waiter->previous = NULL;
}
