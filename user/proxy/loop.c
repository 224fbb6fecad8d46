// SPDX-License-Identifier: BSD-2-Clause
/*
 * One round of the loop waits for a batch of events and hands each to its source. Then it
 * runs the timers that are due, then what was deferred. If a source is removed while its
 * event waits in the batch, the event is removed too. So an event never reaches a new
 * source with the same descriptor number.
 *
 * Timers are a list sorted by deadline. The place of a new one is sought from the far end.
 * Most belong there, since the proxy's time-outs are few different lengths from now.
 */

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "proxy/loop.h"

#define BATCH 64

struct loop {
	int epoll;
	bool running;
	uint64_t now;
	struct ring timers; /* the first is due first */
	struct deferred *deferred, **deferred_end;
	struct deferred *last; /* runs in each round. NULL: nothing does */
	struct epoll_event batch[BATCH];
	int batch_next, batch_count;
};

int loop_new(struct loop **loop)
{
	_free_ struct loop *new = calloc(1, sizeof(*new));

	if (!new)
		return -ENOMEM;
	new->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (new->epoll < 0)
		return -errno;
	ring_init(&new->timers);
	new->deferred_end = &new->deferred;
	new->now = clock_ns(CLOCK_MONOTONIC);
	*loop = TAKE_POINTER(new);
	return 0;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	close(loop->epoll);
	free(loop);
}

static int loop_control(
	struct loop *loop, int operation, struct source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	if (epoll_ctl(loop->epoll, operation, source->fd, &event) < 0)
		return -errno;
	source->events = events;
	return 0;
}

int loop_add(struct loop *loop, struct source *source, uint32_t events)
{
	return loop_control(loop, EPOLL_CTL_ADD, source, events);
}

int loop_change(struct loop *loop, struct source *source, uint32_t events)
{
	return events == source->events ? 0
					: loop_control(loop, EPOLL_CTL_MOD, source, events);
}

/* Gives the events in the batch that are not handled yet to another source, or to none. */
static void redirect(struct loop *loop, const struct source *from, struct source *to)
{
	for (int i = loop->batch_next; i < loop->batch_count; i++)
		if (loop->batch[i].data.ptr == from)
			loop->batch[i].data.ptr = to;
}

int loop_move(struct loop *loop, struct source *to, struct source *from, uint32_t events)
{
	int error = loop_control(loop, EPOLL_CTL_MOD, to, events);

	if (error)
		return error;
	from->events = 0;
	redirect(loop, from, to);
	return 0;
}

void loop_remove(struct loop *loop, struct source *source)
{
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, source->fd, NULL);
	source->events = 0;
	redirect(loop, source, NULL);
}

void loop_close(struct loop *loop, struct source *source)
{
	source->events = 0;
	redirect(loop, source, NULL);
	close(TAKE_FD(source->fd));
}

static struct timer *timer_at(struct ring *place)
{
	return container_of(place, struct timer, place);
}

void loop_cancel_timer(struct loop *loop, struct timer *timer)
{
	(void)loop;
	ring_remove(&timer->place);
	timer->deadline = 0;
}

void loop_set_timer(struct loop *loop, struct timer *timer, uint64_t nanoseconds)
{
	struct ring *before;

	loop_cancel_timer(loop, timer);
	before = loop->timers.previous;
	timer->deadline = loop->now + nanoseconds;
	while (before != &loop->timers && timer_at(before)->deadline > timer->deadline)
		before = before->previous;
	ring_insert(&timer->place, before->next);
}

void loop_defer(struct loop *loop, struct deferred *deferred)
{
	deferred->next = NULL;
	*loop->deferred_end = deferred;
	loop->deferred_end = &deferred->next;
}

void loop_set_last(struct loop *loop, struct deferred *last)
{
	loop->last = last;
}

uint64_t loop_now(const struct loop *loop)
{
	return loop->now;
}

static void run_batch(struct loop *loop)
{
	for (loop->batch_next = 0; loop->batch_next < loop->batch_count;) {
		const struct epoll_event *event = &loop->batch[loop->batch_next++];
		struct source *source = event->data.ptr;
		uint32_t events;

		if (!source)
			continue;
		/*
		 * An earlier event of the batch may have changed what this source waits
		 * for.
		 */
		events = event->events & (source->events | EPOLLERR | EPOLLHUP);
		if (events)
			source->ready(source, events);
	}
	loop->batch_next = loop->batch_count = 0;
}

static void run_timers(struct loop *loop)
{
	while (!ring_is_empty(&loop->timers)) {
		struct timer *timer = timer_at(loop->timers.next);

		if (timer->deadline > loop->now)
			return;
		loop_cancel_timer(loop, timer);
		timer->expired(timer);
	}
}

/*
 * Runs the callbacks that are deferred by now. Those that they defer wait for the next
 * round.
 */
static void run_deferred(struct loop *loop)
{
	struct deferred *deferred = TAKE_POINTER(loop->deferred);

	loop->deferred_end = &loop->deferred;
	while (deferred) {
		struct deferred *next = deferred->next;

		deferred->run(deferred);
		deferred = next;
	}
}

/* How long to wait for events: until the first timer is due. NULL: for ever. */
static const struct timespec *loop_patience(const struct loop *loop, struct timespec *wait)
{
	uint64_t nanoseconds = 0;

	if (!loop->deferred && ring_is_empty(&loop->timers))
		return NULL;
	if (!loop->deferred && timer_at(loop->timers.next)->deadline > loop->now)
		nanoseconds = timer_at(loop->timers.next)->deadline - loop->now;
	wait->tv_sec = (time_t)(nanoseconds / SECOND);
	wait->tv_nsec = (long)(nanoseconds % SECOND);
	return wait;
}

int loop_run(struct loop *loop)
{
	loop->running = true;
	while (loop->running) {
		struct timespec wait;
		/*
		 * Needs Linux 5.11. epoll_wait(2) knows only milliseconds, which are too
		 * long for the pacer.
		 */
		int count = epoll_pwait2(
			loop->epoll, loop->batch, BATCH, loop_patience(loop, &wait), NULL);

		if (count < 0 && errno != EINTR)
			return -errno;
		loop->now = clock_ns(CLOCK_MONOTONIC);
		loop->batch_count = count < 0 ? 0 : count;
		run_batch(loop);
		run_timers(loop);
		run_deferred(loop);
		if (loop->last)
			loop->last->run(loop->last);
	}
	return 0;
}

void loop_stop(struct loop *loop)
{
	loop->running = false;
}
