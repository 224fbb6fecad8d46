// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a proxy reports refusals, and that its worker ended. Only a program can write
 * to the journal of the node, and its cgroup tells it the job. So the worker and the
 * supervisor set options of a socket that only this program understands.
 */

#include "event.bpf.h"

static __always_inline void note_end_of_worker(__u32 status)
{
	struct upstream_state *state = bpf_get_local_storage(&upstream, 0);
	struct job_counters *counter = bpf_get_local_storage(&counters, 0);
	__u64 now = bpf_ktime_get_boot_ns();
	struct event *event;

	count(&counter->workers_ended);
	counter->worker_ended = now;
	counter->worker_status = status;
	event = event_begin(state->job, &state->budget, EVENT_WORKER, now);
	if (!event)
		return;
	event->worker_status = status;
	event_end_in_process(event);
}

static __always_inline void note_refusal(const struct refusal_report *report)
{
	struct upstream_state *state = bpf_get_local_storage(&upstream, 0);
	struct event *event = event_begin(
		state->job, &state->budget, EVENT_REFUSAL, bpf_ktime_get_boot_ns());

	if (!event)
		return;
	event->hook = report->hook == HOOK_DNS ? HOOK_DNS : HOOK_PROXY;
	event->reason = report->reason;
	event->pid = report->pid;
	event->destination.port = report->port;
	__builtin_memcpy(event->comm, report->comm, sizeof(event->comm));
	__builtin_memcpy(event->name, report->name, sizeof(event->name));
	event_end(event);
}

/* A proxy that was taken over can lie about its own job only. */
SEC("cgroup/setsockopt")
int upstream_setsockopt(struct bpf_sockopt *context)
{
	struct refusal_report *report = context->optval;
	__u32 *status = context->optval;

	if (context->level != SOL_JOBFENCE)
		return PROGRAM_ALLOW;
	if (context->optname == WORKER_ENDED && (void *)(status + 1) <= context->optval_end)
		note_end_of_worker(*status);
	else if (context->optname == PROXY_REFUSED &&
		 (void *)(report + 1) <= context->optval_end &&
		 report->reason < REASON_COUNT)
		note_refusal(report);
	else
		return PROGRAM_REFUSE;
	context->optlen = -1; /* the kernel does not see the call */
	return PROGRAM_ALLOW;
}
