/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Refusals and other events. Every refusal is counted. Its record goes to the ring buffer
 * of the node if the job has not used up its budget: so many records a second, and a
 * share of the buffer.
 */

#include "hook.bpf.h"
#include "maps.bpf.h"

#include "jobfence/time.h"

/* One job may take an eighth of the ring buffer while nobody reads. */
#define EVENTS_KEPT_MAX (EVENTS_SIZE / 8 / (sizeof(struct event) + BPF_RINGBUF_HDR_SZ))

/*
 * Whether the budget has room for one more record. Two CPUs may both take the last place.
 */
static __always_inline bool event_admitted(struct event_budget *budget, __u64 now)
{
	__u64 second = now / SECOND;
	__u64 read = bpf_ringbuf_query(&events, BPF_RB_CONS_POS);

	if (budget->read != read) {
		budget->read = read;
		budget->kept = 0;
	}

	if (budget->second != second) {
		budget->second = second;
		budget->admitted = 0;
	}
	if (budget->admitted >= EVENTS_PER_SECOND || budget->kept >= EVENTS_KEPT_MAX)
		return false;
	__sync_fetch_and_add(&budget->admitted, 1);
	__sync_fetch_and_add(&budget->kept, 1);
	return true;
}

/*
 * Reserves a record, with time, job and hook filled in and the rest zero. The caller
 * fills it and submits it. Returns NULL if there is no room, and counts the event as
 * lost.
 */
static __always_inline struct event *event_begin(
	__u64 job_id, struct event_budget *budget, enum hook hook, __u64 now)
{
	struct job_counters *counter = bpf_get_local_storage(&counters, 0);
	struct event *event = NULL;

	if (event_admitted(budget, now))
		event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		counter->events_lost++;
		return NULL;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->time = now;
	event->job = job_id;
	event->hook = hook;
	return event;
}

/*
 * Adds the current process, and submits. For programs that run in the process in
 * question.
 */
static __always_inline void event_end_in_process(struct event *event)
{
	event->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	bpf_ringbuf_submit(event, 0);
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

	counter->refused[reason]++;
	event = event_begin(job_id, budget, hook, bpf_ktime_get_boot_ns());
	if (!event)
		return NULL;
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
		bpf_ringbuf_submit(event, 0);
}
