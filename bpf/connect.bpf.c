// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a job's sockets go: connect(2), and sendto(2) on a UDP socket that is not connected. Web
 * ports are led to the job's proxy, DNS to its stub, and what the socket wanted to reach is kept
 * in its storage: for the proxy, and for the job, which goes on seeing the peer it asked for.
 */

#include "decide.bpf.h"
#include "sock_addr.bpf.h"

/* Decides, remembers, reports. Returns a program's verdict; `*listener` is where to lead the
 * socket, or NULL. */
static __always_inline int admit(struct bpf_sock_addr *context, const struct endpoint *to,
	enum hook hook, const struct endpoint **listener)
{
	struct job_state *job_state = bpf_get_local_storage(&job, 0);
	struct decision decision = decide(job_state, to, context->protocol, hook);
	struct event *event;

	*listener = decision.listener;
	if (!decision.reason && !decision.listener) {
		bpf_sk_storage_delete(&destination, context->sk);
		return PROGRAM_ALLOW;
	}
	if (!decision.reason) {
		struct endpoint *kept = bpf_sk_storage_get(
			&destination, context->sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);

		if (!kept)
			return PROGRAM_REFUSE;
		*kept = *to;
		return PROGRAM_ALLOW;
	}
	event = refusal_begin(job_state->id, &job_state->budget, decision.reason, hook);
	if (event) {
		event->family = context->family;
		event->protocol = context->protocol;
		event->destination = *to;
		event_end_in_process(event);
	}
	return PROGRAM_REFUSE;
}

static __always_inline int lead4(struct bpf_sock_addr *context, enum hook hook)
{
	const struct endpoint *listener;
	struct endpoint to;
	int verdict;

	to_from_context4(&to, context);
	verdict = admit(context, &to, hook, &listener);
	if (verdict == PROGRAM_ALLOW && listener)
		context4_set(context, listener);
	return verdict;
}

static __always_inline int lead6(struct bpf_sock_addr *context, enum hook hook)
{
	const struct endpoint *listener;
	struct endpoint to;
	int verdict;

	to_from_context6(&to, context);
	verdict = admit(context, &to, hook, &listener);
	if (verdict == PROGRAM_ALLOW && listener)
		context6_set(context, listener);
	return verdict;
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *context)
{
	return lead4(context, HOOK_CONNECT);
}

SEC("cgroup/connect6")
int connect6(struct bpf_sock_addr *context)
{
	return lead6(context, HOOK_CONNECT);
}

SEC("cgroup/sendmsg4")
int sendmsg4(struct bpf_sock_addr *context)
{
	return lead4(context, HOOK_SENDMSG);
}

SEC("cgroup/sendmsg6")
int sendmsg6(struct bpf_sock_addr *context)
{
	return lead6(context, HOOK_SENDMSG);
}

/* The answer of the stub seems to come from the server that the job asked. */

SEC("cgroup/recvmsg4")
int recvmsg4(struct bpf_sock_addr *context)
{
	struct job_state *job_state = bpf_get_local_storage(&job, 0);
	struct endpoint *asked = bpf_sk_storage_get(&destination, context->sk, NULL, 0);
	struct endpoint from;

	to_from_context4(&from, context);
	if (asked && endpoint_equal(&from, &job_state->dns4))
		context4_set(context, asked);
	return PROGRAM_ALLOW;
}

SEC("cgroup/recvmsg6")
int recvmsg6(struct bpf_sock_addr *context)
{
	struct job_state *job_state = bpf_get_local_storage(&job, 0);
	struct endpoint *asked = bpf_sk_storage_get(&destination, context->sk, NULL, 0);
	struct endpoint from;

	to_from_context6(&from, context);
	if (asked && (endpoint_equal(&from, &job_state->dns6) ||
			     endpoint_equal(&from, &job_state->dns4)))
		context6_set(context, asked);
	return PROGRAM_ALLOW;
}

SEC("cgroup/getpeername4")
int getpeername4(struct bpf_sock_addr *context)
{
	struct endpoint *asked = bpf_sk_storage_get(&destination, context->sk, NULL, 0);

	if (asked)
		context4_set(context, asked);
	return PROGRAM_ALLOW;
}

SEC("cgroup/getpeername6")
int getpeername6(struct bpf_sock_addr *context)
{
	struct endpoint *asked = bpf_sk_storage_get(&destination, context->sk, NULL, 0);

	if (asked)
		context6_set(context, asked);
	return PROGRAM_ALLOW;
}

char LICENSE[] SEC("license") = "GPL";
