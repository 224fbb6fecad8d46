/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Refusals and other events. Every refusal is counted. Its record goes to the journal of
 * the node if the budget of a second is not used up. A job has two: what its own programs
 * refuse, and what its proxy reports.
 */

#include "hook.bpf.h"
#include "maps.bpf.h"

#include <stddef.h>

#include "jobfence/time.h"

/*
 * Adds to a counter of this CPU. A packet may interrupt a process of the job that counts
 * the same, so the addition is one instruction.
 */
static __always_inline void add(__u64 *counter, __u64 number)
{
	__sync_fetch_and_add(counter, number);
}

static __always_inline void count(__u64 *counter)
{
	add(counter, 1);
}

/*
 * Whether the budget has room for one more record. Two CPUs may both take the last place.
 */
static __always_inline bool event_admitted(struct event_budget *budget, __u64 now)
{
	__u64 second = now / SECOND;

	if (budget->second != second) {
		budget->second = second;
		budget->admitted = 0;
	}
	if (budget->admitted >= EVENTS_PER_SECOND)
		return false;
	__sync_fetch_and_add(&budget->admitted, 1);
	return true;
}

/* The place of the job's next record in the map `events`. */
static __always_inline __u32 event_place(
	struct journal *of_node, struct event_budget *budget)
{
	__u64 window = of_node->positions[RING_SHARED] / EVENTS_WINDOW;

	if (budget->window != window) {
		budget->window = window;
		budget->kept = 0;
	}
	if (budget->kept >= EVENTS_SHARE)
		return RING_SHARED_SIZE +
		       __sync_fetch_and_add(&of_node->positions[RING_SURPLUS], 1) %
			       RING_SURPLUS_SIZE;
	__sync_fetch_and_add(&budget->kept, 1);
	return __sync_fetch_and_add(&of_node->positions[RING_SHARED], 1) % RING_SHARED_SIZE;
}

static __always_inline struct journal *journal_of_node(void)
{
	__u32 first = 0;

	return bpf_map_lookup_elem(&journal, &first);
}

/*
 * Takes a record to write. Another CPU may still write it, if the ring came round in the
 * meantime. Then NULL is returned.
 */
static __always_inline struct event *event_take(struct event_budget *budget)
{
	struct journal *of_node = journal_of_node();
	struct event *event;
	__u64 number;
	__u32 place;

	if (!of_node)
		return NULL;
	place = event_place(of_node, budget);
	event = bpf_map_lookup_elem(&events, &place);
	if (!event)
		return NULL;
	number = event->number;
	if (number == EVENT_BUSY ||
		__sync_val_compare_and_swap(&event->number, number, EVENT_BUSY) != number)
		return NULL;
	return event;
}

/*
 * Takes a record, with time, job and kind filled in and the rest zero. The caller fills it
 * and ends it. Returns NULL if there is no room, and counts the event as lost.
 */
static __always_inline struct event *event_begin(
	__u64 job_id, struct event_budget *budget, enum event_kind kind, __u64 now)
{
	struct job_counters *counter = bpf_get_local_storage(&counters, 0);
	struct event *event = event_admitted(budget, now) ? event_take(budget) : NULL;

	if (!event) {
		count(&counter->events_lost);
		return NULL;
	}
	__builtin_memset(&event->time, 0,
		offsetof(struct event, name) - offsetof(struct event, time));
	event->name[0] = '\0';
	event->time = now;
	event->job = job_id;
	event->kind = kind;
	return event;
}

/* Readers see the record from here on. Both operations are full barriers. */
static __always_inline void event_end(struct event *event)
{
	struct journal *of_node = journal_of_node();

	if (of_node)
		__sync_lock_test_and_set(
			&event->number, __sync_fetch_and_add(&of_node->last, 1) + 1);
}

/*
 * Adds the current process, and ends the record. For programs that run in the process in
 * question.
 */
static __always_inline void event_end_in_process(struct event *event)
{
	event->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	event_end(event);
}

/*
 * Counts a refusal, and begins its record. `endpoint` may be NULL. Returns NULL as
 * event_begin() does.
 */
static __always_inline struct event *refusal_begin(__u64 job_id,
	struct event_budget *budget, enum reason reason, enum hook hook, __u16 family,
	__u16 protocol, const struct endpoint *endpoint)
{
	struct job_counters *counter = bpf_get_local_storage(&counters, 0);
	struct event *event;

	count(&counter->refused[reason]);
	event = event_begin(job_id, budget, EVENT_REFUSAL, bpf_ktime_get_boot_ns());
	if (!event)
		return NULL;
	event->hook = hook;
	event->reason = reason;
	event->family = family;
	event->protocol = protocol;
	if (endpoint)
		event->destination = *endpoint;
	return event;
}

/*
 * Counts a refusal and reports it with the current process. `family` is one of AF_*,
 * `protocol` one of IPPROTO_*, and `endpoint` may be NULL.
 */
static __always_inline void refuse(__u64 job_id, struct event_budget *budget,
	enum reason reason, enum hook hook, __u16 family, __u16 protocol,
	const struct endpoint *endpoint)
{
	struct event *event =
		refusal_begin(job_id, budget, reason, hook, family, protocol, endpoint);

	if (event)
		event_end_in_process(event);
}

/* The same for programs that may run in any process, or in none. */
static __always_inline void refuse_anywhere(__u64 job_id, struct event_budget *budget,
	enum reason reason, enum hook hook, __u16 family, __u16 protocol,
	const struct endpoint *endpoint)
{
	struct event *event =
		refusal_begin(job_id, budget, reason, hook, family, protocol, endpoint);

	if (event)
		event_end(event);
}
