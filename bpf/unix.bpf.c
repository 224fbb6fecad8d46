// SPDX-License-Identifier: GPL-2.0-only
/*
 * With whom a job talks over Unix sockets: a service outside that is asked to do so goes past the fence. A closed job
 * reaches its own sockets only; one in the node's namespace, where abstract names are the node's, reaches no other
 * by such a name. Descriptors on sockets that were made outside are none of the job's: these programs run for
 * sockets that it made.
 */

#include "event.bpf.h"
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>

#define LSM_CONTINUE   1
#define LSM_PERMISSION 0
#define CGROUP_LEVELS  16 /* that a job's cgroups may be nested in it */
#define AF_UNIX	       1

/* Read by the helper: to the verifier a parent is no cgroup. */
static __always_inline bool is_of_job(const struct sock *other, __u64 job_id)
{
	const struct cgroup *cgroup = BPF_CORE_READ(other, sk_cgrp_data.cgroup);
	int i;

	for (i = 0; i < CGROUP_LEVELS && cgroup; i++) {
		if (BPF_CORE_READ(cgroup, kn, id) == job_id)
			return true;
		cgroup = (const struct cgroup *)BPF_CORE_READ(cgroup, self.parent);
	}
	return false;
}

static __always_inline bool is_abstract(const struct sock *other)
{
	const struct unix_address *address =
		BPF_CORE_READ((const struct unix_sock *)other, addr);
	char first = 1;

	if (address)
		bpf_core_read(&first, sizeof(first), &address->name[0].sun_path[0]);
	return !first;
}

static __always_inline int admit(const struct sock *other)
{
	struct job_state *job_state = bpf_get_local_storage(&job, 0);
	struct event *event;

	if (job_state->network == NETWORK_FULL || is_of_job(other, job_state->id))
		return LSM_CONTINUE;
	if (!(job_state->flags & JOB_CLOSED) &&
		(job_state->flags & JOB_OWN_NETNS || !is_abstract(other)))
		return LSM_CONTINUE;
	event = refusal_begin(job_state->id, &job_state->budget, REASON_UNIX, HOOK_CONNECT);
	if (event) {
		event->family = AF_UNIX;
		event_end_in_process(event);
	}
	return LSM_PERMISSION;
}

/* int unix_stream_connect(struct sock *sock, struct sock *other, struct sock *newsk) */
SEC("lsm_cgroup/unix_stream_connect")
int unix_connect(__u64 *context)
{
	return admit((const struct sock *)context[1]);
}

/* int unix_may_send(struct socket *sock, struct socket *other) */
SEC("lsm_cgroup/unix_may_send")
int unix_send(__u64 *context)
{
	return admit(BPF_CORE_READ((const struct socket *)context[1], sk));
}
