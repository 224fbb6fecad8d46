// SPDX-License-Identifier: BSD-2-Clause
/* See pacer.h. */

#include <errno.h>
#include <stdlib.h>

#include "jobfence/throttle.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "proxy/pacer.h"
#include "proxy/statistics.h"
#include "proxy/tcp_info.h"

#define PAYLOAD		  ((size_t)THROTTLE_PAYLOAD)
#define HEADERS		  ((size_t)THROTTLE_HEADERS)
#define QUANTA_PER_SECOND 1000UL	    /* where a segment takes less than that */
#define LATENESS	  (4 * MILLISECOND) /* of a timer, on a busy machine */
#define CLOSING		  2UL	     /* segments: our FIN, and an ACK of the site's */
#define UNCOUNTED	  UINT32_MAX /* segments: sent while there was no rate */

/* Tolerance where the kernel paces: a part of the rate, and a time. */
#define TOLERANCE      16UL
#define TOLERANCE_TIME (SECOND / 4)

#define DIALS_PER_SECOND 200UL
#define DIALS_CREDIT	 (5 * SECOND)
#define DIAL		 ((1 + CLOSING) * HEADERS) /* bytes: a SYN, and the end */

struct clock {
	struct pacer *pacer;
	uint64_t rate;	    /* bytes, or dials, per second by now. 0: none */
	uint64_t departure; /* when the next bytes may move, ns of loop_now() */
	struct timer timer;
	struct ring line;      /* of waiters */
	struct waiter *served; /* it has the turn, or NULL */
	uint64_t held_since; /* the time in line is counted up to this, ns of loop_now() */
};

struct pacer {
	struct loop *loop;
	const volatile struct job_limits *limits; /* the loader writes them at any time */
	struct clock clocks[3];
	uint64_t debt_until; /* ns of loop_now() */
};

/* Bytes that may move at once. A part of a segment would be a packet of its own. */
static size_t quantum(const struct clock *clock)
{
	size_t segments = (size_t)(clock->rate / QUANTA_PER_SECOND / PAYLOAD);

	return (segments ? segments : 1) * PAYLOAD;
}

/* How long, in ns, bytes take with their headers. */
static uint64_t duration(const struct clock *clock, size_t bytes)
{
	return bytes * SECOND / clock->rate;
}

/* Tries alone keep to the rate, with the site's answer to each. */
static uint64_t dials_rate(uint64_t rate)
{
	uint64_t dials = rate / (DIAL + HEADERS);

	if (!rate || dials > DIALS_PER_SECOND)
		return DIALS_PER_SECOND;
	return dials ? dials : 1;
}

static void follow_limits(struct pacer *pacer)
{
	uint64_t paced = pacer->limits->paced, rate = pacer->limits->rate;

	pacer->clocks[UPLOAD].rate = paced ? paced : rate + rate / TOLERANCE;
	pacer->clocks[DOWNLOAD].rate = paced;
	pacer->clocks[DIALS].rate = dials_rate(rate);
}

/* When something may move, as a time of loop_now(). */
static uint64_t next_departure(const struct clock *clock)
{
	const struct pacer *pacer = clock->pacer;

	return pacer->limits->rate && pacer->debt_until > clock->departure
		       ? pacer->debt_until
		       : clock->departure;
}

/* Nobody is woken while somebody has the turn. */
static void set_timer(struct clock *clock)
{
	struct loop *loop = clock->pacer->loop;
	uint64_t now = loop_now(loop), next = next_departure(clock);

	if (!ring_is_empty(&clock->line) && !clock->served && !clock->timer.deadline)
		loop_set_timer(loop, &clock->timer, next > now ? next - now : 1);
}

/* Counts the time in which there was a line. */
static void count_held(struct clock *clock)
{
	uint64_t now = loop_now(clock->pacer->loop);
	size_t direction = (size_t)(clock - clock->pacer->clocks);

	if (direction < ARRAY_SIZE(statistics->throttled))
		statistics_add(&statistics->throttled[direction], now - clock->held_since);
	clock->held_since = now;
}

static void leave_line(struct waiter *waiter)
{
	const struct ring *place = &waiter->place;

	/* Of one that is alone in line, both neighbours are the head. */
	if (ring_holds(place) && place->next == place->previous)
		count_held(container_of(place->next, struct clock, line));
	ring_remove(&waiter->place);
}

static void clock_expired(struct timer *timer)
{
	struct clock *clock = container_of(timer, struct clock, timer);
	struct waiter *first = container_of(clock->line.next, struct waiter, place);

	if (ring_is_empty(&clock->line) || clock->served ||
		next_departure(clock) > loop_now(clock->pacer->loop)) {
		set_timer(clock);
		return;
	}
	count_held(clock);
	leave_line(first);
	clock->served = first;
	first->turn_of = clock;
	first->ready(first);
}

int pacer_new(
	struct loop *loop, const volatile struct job_limits *limits, struct pacer **pacer)
{
	struct pacer *new = calloc(1, sizeof(*new));

	if (!new)
		return -ENOMEM;
	new->loop = loop;
	new->limits = limits;
	for (size_t i = 0; i < ARRAY_SIZE(new->clocks); i++) {
		struct clock *clock = &new->clocks[i];

		clock->pacer = new;
		clock->timer.expired = clock_expired;
		ring_init(&clock->line);
	}
	*pacer = new;
	return 0;
}

void pacer_free(struct pacer *pacer)
{
	if (!pacer)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(pacer->clocks); i++)
		loop_cancel_timer(pacer->loop, &pacer->clocks[i].timer);
	free(pacer);
}

/* Whether a waiter may move now. The line is served in order. */
static bool may_move(const struct clock *clock, const struct waiter *waiter)
{
	if (next_departure(clock) > loop_now(clock->pacer->loop))
		return false;
	if (!clock->rate || clock->served == waiter)
		return true;
	return ring_is_empty(&clock->line) && !clock->served;
}

size_t pacer_ask(
	struct pacer *pacer, enum direction direction, struct waiter *waiter, size_t want)
{
	const struct clock *clock = &pacer->clocks[direction];
	size_t most;

	follow_limits(pacer);
	if (!may_move(clock, waiter)) {
		pacer_wait(pacer, direction, waiter);
		return 0;
	}
	if (!clock->rate)
		return want;
	most = quantum(clock);
	return want < most ? want : most;
}

/* How far, in ns, a clock may lag behind. A late timer then costs nothing of the rate. */
static uint64_t credit(const struct clock *clock)
{
	uint64_t one = duration(clock, quantum(clock) + HEADERS);

	if (clock == &clock->pacer->clocks[DIALS])
		return DIALS_CREDIT;
	if (!clock->pacer->clocks[DOWNLOAD].rate)
		return TOLERANCE_TIME;
	return one < LATENESS ? LATENESS : one;
}

/*
 * Returns the bytes of headers that a socket sent since the last call. The first call adds
 * those that it will send as it closes.
 */
static size_t sent_headers(const struct clock *clock, struct peer *peer)
{
	struct tcp_info info;
	uint32_t before = peer->segments;

	if (!clock->rate)
		peer->segments = UNCOUNTED;
	if (!clock->rate || !tcp_info_read(peer->source.fd, &info))
		return 0;
	peer->segments = info.tcpi_segs_out;
	if (before == UNCOUNTED)
		return 0;
	return (peer->segments - before + (before ? 0 : CLOSING)) * HEADERS;
}

/* Moves a clock on by bytes on the wire. */
static void charge(struct clock *clock, size_t bytes)
{
	uint64_t now = loop_now(clock->pacer->loop), most;

	if (!clock->rate)
		return;
	most = credit(clock);
	if (clock->departure + most < now)
		clock->departure = now - most;
	clock->departure += duration(clock, bytes);
}

void pacer_charge(struct pacer *pacer, enum direction direction, size_t bytes,
	struct peer *upstream, struct peer *client)
{
	struct clock *upload = &pacer->clocks[UPLOAD], *download = &pacer->clocks[DOWNLOAD];

	follow_limits(pacer);
	charge(&pacer->clocks[direction], bytes);
	charge(upload, sent_headers(upload, upstream));
	charge(download, sent_headers(download, client));
}

void pacer_charge_dial(struct pacer *pacer, struct peer *upstream)
{
	struct clock *upload = &pacer->clocks[UPLOAD];

	follow_limits(pacer);
	charge(&pacer->clocks[DIALS], 1);
	charge(upload, DIAL);
	upstream->segments = upload->rate ? 1 : UNCOUNTED;
}

void pacer_charge_failed_dial(struct pacer *pacer, struct peer *upstream)
{
	struct clock *upload = &pacer->clocks[UPLOAD];

	follow_limits(pacer);
	charge(upload, sent_headers(upload, upstream));
	pacer_charge_unforwarded(pacer, HEADERS);
}

void pacer_charge_unforwarded(struct pacer *pacer, size_t bytes)
{
	uint64_t rate = pacer->limits->rate, now = loop_now(pacer->loop);

	if (!rate)
		return;
	if (pacer->debt_until < now)
		pacer->debt_until = now;
	pacer->debt_until += (bytes + bytes / PAYLOAD * HEADERS) * SECOND / rate;
}

bool pacer_is_in_debt(const struct pacer *pacer)
{
	return pacer->limits->rate && pacer->debt_until > loop_now(pacer->loop);
}

void pacer_wait(struct pacer *pacer, enum direction direction, struct waiter *waiter)
{
	struct clock *clock = &pacer->clocks[direction];

	if (ring_holds(&waiter->place))
		return;
	if (ring_is_empty(&clock->line))
		clock->held_since = loop_now(pacer->loop);
	ring_insert(&waiter->place, &clock->line);
	set_timer(clock);
}

void pacer_end_turn(struct waiter *waiter)
{
	struct clock *clock = TAKE_POINTER(waiter->turn_of);

	if (!clock)
		return;
	clock->served = NULL;
	set_timer(clock);
}

void pacer_leave(struct waiter *waiter)
{
	leave_line(waiter);
	pacer_end_turn(waiter);
}
