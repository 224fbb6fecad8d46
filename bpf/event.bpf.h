/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* A refusal: counted always, told to the ring buffer as often as a job may cause events. */

#include "maps.bpf.h"

#define NANOSECONDS 1000000000ULL

/* Whether this second has room for one more; two CPUs may both take the last place. */
static __always_inline bool event_admitted(struct event_budget *budget, __u64 now)
{
	__u64 second = now / NANOSECONDS;

	if (budget->second != second) {
		budget->second = second;
		budget->admitted = 0;
	}
	if (budget->admitted >= EVENTS_PER_SECOND)
		return false;
	__sync_fetch_and_add(&budget->admitted, 1);
	return true;
}

/*
 * Counts the refusal and reserves a record of it with time, job, reason and hook filled in and the
 * rest zero. The caller completes and submits it; NULL where the job has had its share.
 */
static __always_inline struct event *refusal_begin(
	__u64 job_id, struct event_budget *budget, enum reason reason, enum hook hook)
{
	struct job_counters *counter = bpf_get_local_storage(&counters, 0);
	__u64 now = bpf_ktime_get_boot_ns();
	struct event *event;

	counter->refused[reason]++;
	if (!event_admitted(budget, now))
		return NULL;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return NULL;
	__builtin_memset(event, 0, sizeof(*event));
	event->time = now;
	event->job = job_id;
	event->reason = reason;
	event->hook = hook;
	return event;
}

/* For programs that run in the process that is refused: adds who it is, and submits. */
static __always_inline void refusal_end_in_process(struct event *event)
{
	event->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	bpf_ringbuf_submit(event, 0);
}
