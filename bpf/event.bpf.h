/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* What is told to the ring buffer, as often as a job may cause events; a refusal is counted always. */

#include "maps.bpf.h"

#define NANOSECONDS 1000000000ULL

/* linux/bpf.h, as BPF_RB_CONS_POS and BPF_RINGBUF_HDR_SZ */
#define RINGBUF_READ   2
#define RINGBUF_HEADER 8 /* bytes before each record */

/* Of one job: so that it takes an eighth of the ring buffer at most while nobody reads. */
#define EVENTS_KEPT_MAX (EVENTS_SIZE / 8 / (sizeof(struct event) + RINGBUF_HEADER))

/* Whether this second, and the job's share of the buffer, have room for one more; two CPUs may both take the last place. */
static __always_inline bool event_admitted(struct event_budget *budget, __u64 now)
{
	__u64 second = now / NANOSECONDS;
	__u64 read = bpf_ringbuf_query(&events, RINGBUF_READ);

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

/* Reserves a record with time, job and hook filled in and the rest zero. The caller completes and submits it; NULL where
 * the job has had its share. */
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

/* Counts the refusal and begins its record. */
static __always_inline struct event *refusal_begin(
	__u64 job_id, struct event_budget *budget, enum reason reason, enum hook hook)
{
	struct job_counters *counter = bpf_get_local_storage(&counters, 0);
	struct event *event;

	counter->refused[reason]++;
	event = event_begin(job_id, budget, hook, bpf_ktime_get_boot_ns());
	if (event)
		event->reason = reason;
	return event;
}

/* For programs that run in the process that it is about: adds who that is, and submits. */
static __always_inline void event_end_in_process(struct event *event)
{
	event->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	bpf_ringbuf_submit(event, 0);
}
