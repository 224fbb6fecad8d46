// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which Unix sockets a job may connect to. A service outside the job could reach the
 * network for it. A closed job reaches its own sockets only. A job in the node's
 * namespace reaches no socket outside by an abstract name, because these names belong to
 * the node. Sockets that were made outside and given to the job are not checked: the
 * programs run for sockets that the job made.
 */

#include "event.bpf.h"
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>

#define CGROUP_LEVELS 16 /* how deep a job may nest cgroups in its own */

/*
 * Fields are read by the helper, because the verifier does not know a parent as a cgroup.
 */
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

	if (job_state->network == NETWORK_FULL || is_of_job(other, job_state->id))
		return LSM_CONTINUE;
	if (!(job_state->flags & JOB_CLOSED) &&
		(job_state->flags & JOB_OWN_NETNS || !is_abstract(other)))
		return LSM_CONTINUE;
	refuse(job_state->id, &job_state->budget, REASON_UNIX, HOOK_CONNECT, AF_UNIX, 0,
		NULL);
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
