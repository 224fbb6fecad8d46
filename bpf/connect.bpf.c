// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a job's sockets go: connect(2), and sendto(2) on an unconnected UDP socket. Web
 * ports are redirected to the job's proxy, and DNS to its stub. The storage of the socket
 * keeps the destination that the job asked for: the proxy needs it, and the job goes on
 * seeing that peer. It keeps the process as well, which the request log names.
 */

#include "decide.bpf.h"
#include "event.bpf.h"
#include "sock_addr.bpf.h"

/* Decides, keeps the destination of a redirected socket, and reports a refusal. Returns the
 * program's verdict. `*listener` is where to redirect the socket, or NULL. */
static __always_inline int admit(struct bpf_sock_addr *context, const struct endpoint *to,
	enum hook hook, const struct endpoint **listener)
{
	struct job_state *job_state = bpf_get_local_storage(&job, 0);
	struct decision decision = decide(job_state, to, context->protocol, hook);
	struct origin *kept = NULL;

	*listener = decision.listener;
	if (!decision.reason && decision.listener) {
		kept = bpf_sk_storage_get(
			&origins, context->sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
		/* Options and filters of the socket may have taken all of its memory. */
		if (!kept)
			decision.reason = REASON_LIMIT;
	}
	if (decision.reason) {
		refuse(job_state->id, &job_state->budget, decision.reason, hook,
			context->family, context->protocol, to);
		return PROGRAM_REFUSE;
	}
	if (!kept) {
		bpf_sk_storage_delete(&origins, context->sk);
		return PROGRAM_ALLOW;
	}
	kept->destination = *to;
	kept->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(kept->comm, sizeof(kept->comm));
	return PROGRAM_ALLOW;
}

static __always_inline int redirect4(struct bpf_sock_addr *context, enum hook hook)
{
	const struct endpoint *listener;
	struct endpoint to;
	int verdict;

	context4_endpoint(context, &to);
	verdict = admit(context, &to, hook, &listener);
	if (verdict == PROGRAM_ALLOW && listener)
		context4_set(context, listener);
	return verdict;
}

static __always_inline int redirect6(struct bpf_sock_addr *context, enum hook hook)
{
	const struct endpoint *listener;
	struct endpoint to;
	int verdict;

	context6_endpoint(context, &to);
	verdict = admit(context, &to, hook, &listener);
	if (verdict == PROGRAM_ALLOW && listener)
		context6_set(context, listener);
	return verdict;
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *context)
{
	return redirect4(context, HOOK_CONNECT);
}

SEC("cgroup/connect6")
int connect6(struct bpf_sock_addr *context)
{
	return redirect6(context, HOOK_CONNECT);
}

SEC("cgroup/sendmsg4")
int sendmsg4(struct bpf_sock_addr *context)
{
	return redirect4(context, HOOK_SENDMSG);
}

SEC("cgroup/sendmsg6")
int sendmsg6(struct bpf_sock_addr *context)
{
	return redirect6(context, HOOK_SENDMSG);
}

/* An answer of the stub seems to come from the server that the job asked. */

SEC("cgroup/recvmsg4")
int recvmsg4(struct bpf_sock_addr *context)
{
	struct job_state *job_state = bpf_get_local_storage(&job, 0);
	struct origin *asked = bpf_sk_storage_get(&origins, context->sk, NULL, 0);
	struct endpoint from;

	context4_endpoint(context, &from);
	if (asked && endpoint_equal(&from, &job_state->dns4))
		context4_set(context, &asked->destination);
	return PROGRAM_ALLOW;
}

SEC("cgroup/recvmsg6")
int recvmsg6(struct bpf_sock_addr *context)
{
	struct job_state *job_state = bpf_get_local_storage(&job, 0);
	struct origin *asked = bpf_sk_storage_get(&origins, context->sk, NULL, 0);
	struct endpoint from;

	context6_endpoint(context, &from);
	if (asked && (endpoint_equal(&from, &job_state->dns6) ||
			     endpoint_equal(&from, &job_state->dns4)))
		context6_set(context, &asked->destination);
	return PROGRAM_ALLOW;
}

SEC("cgroup/getpeername4")
int getpeername4(struct bpf_sock_addr *context)
{
	struct origin *asked = bpf_sk_storage_get(&origins, context->sk, NULL, 0);

	if (asked)
		context4_set(context, &asked->destination);
	return PROGRAM_ALLOW;
}

SEC("cgroup/getpeername6")
int getpeername6(struct bpf_sock_addr *context)
{
	struct origin *asked = bpf_sk_storage_get(&origins, context->sk, NULL, 0);

	if (asked)
		context6_set(context, &asked->destination);
	return PROGRAM_ALLOW;
}

char LICENSE[] SEC("license") = "GPL";
