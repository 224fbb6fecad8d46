// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which sockets a job may have: TCP and UDP over IPv4 and IPv6. `sock_create` refuses
 * raw, ICMP, SCTP, MPTCP and UDP-Lite sockets. Some families never get there (packet,
 * vsock, XDP, …). The LSM hook refuses these, where the kernel has it. Also here: which
 * ports a job may bind, and which options it may set.
 */

#include "event.bpf.h"
#include "sock_addr.bpf.h"
#include "socket.bpf.h"

#include <linux/errno.h>

#include <bpf/bpf_endian.h>

#include "jobfence/option.h"

#define LOOPBACK4_WORD 0x7f000001

static __always_inline void refuse_socket(
	struct job_state *job_state, __u32 family, __u32 protocol)
{
	refuse(job_state->id, &job_state->budget, REASON_SOCKET, HOOK_SOCKET, family,
		protocol, NULL);
}

SEC("cgroup/sock_create")
int sock_create(struct bpf_sock *context)
{
	struct job_state *job_state = bpf_get_local_storage(&job, 0);

	if (job_state->network == NETWORK_FULL ||
		is_plain_socket(context->type, context->protocol))
		return PROGRAM_ALLOW;
	refuse_socket(job_state, context->family, context->protocol);
	return PROGRAM_REFUSE;
}

/* int socket_create(int family, int type, int protocol, int kern) */
SEC("lsm_cgroup/socket_create")
int socket_create(__u64 *context)
{
	struct job_state *job_state = bpf_get_local_storage(&job, 0);
	__u32 family = context[0], type = context[1], protocol = context[2];
	bool kernel = (__u32)context[3];

	if (kernel || job_state->network == NETWORK_FULL || family == AF_UNIX ||
		family == AF_NETLINK)
		return LSM_CONTINUE;
	if ((family == AF_INET || family == AF_INET6) && is_plain_socket(type, protocol))
		return LSM_CONTINUE;
	refuse_socket(job_state, family, protocol);
	return LSM_PERMISSION;
}

/* In the node's namespace a port belongs to others. Port 0 lets the kernel choose one. */
static __always_inline int refuse_bind(
	struct job_state *job_state, struct bpf_sock_addr *context)
{
	const struct endpoint at = { .port = context->user_port };

	refuse(job_state->id, &job_state->budget, REASON_BIND, HOOK_BIND, context->family,
		context->protocol, &at);
	return PROGRAM_REFUSE;
}

/*
 * Whether the proxy or the stub listens at a port, of either family: a wildcard may cover
 * both.
 */
static __always_inline bool is_listener_port(
	const struct job_state *job_state, __be16 port, __u32 protocol)
{
	if (port == job_state->dns4.port || port == job_state->dns6.port)
		return true;
	return protocol == IPPROTO_TCP &&
	       (port == job_state->proxy4.port || port == job_state->proxy6.port);
}

/*
 * Decides on bind(2). `*narrow` is whether a wildcard address has to become the loopback.
 *
 * A wildcard on a port of the proxy covers the proxy's addresses, so it would fail as in
 * use. The job's sockets are reached over the loopback only, so it misses nothing. The
 * proxy's own address at its port is in use even if the proxy has ended: a redirected
 * connection must not meet a server of the job.
 */
static __always_inline int admit_bind(
	struct bpf_sock_addr *context, const struct address *address, bool *narrow)
{
	struct job_state *job_state = bpf_get_local_storage(&job, 0);

	*narrow = false;
	if (job_state->network == NETWORK_FULL || !context->user_port)
		return PROGRAM_ALLOW;
	if (!(job_state->flags & JOB_OWN_NETNS))
		return refuse_bind(job_state, context);
	if (!is_listener_port(job_state, context->user_port, context->protocol))
		return PROGRAM_ALLOW;
	if (address_is_virtual(address)) {
		bpf_set_retval(-EADDRINUSE);
		return PROGRAM_REFUSE;
	}
	*narrow = true;
	return PROGRAM_ALLOW;
}

SEC("cgroup/bind4")
int bind4(struct bpf_sock_addr *context)
{
	struct endpoint at;
	int verdict;
	bool narrow;

	context4_endpoint(context, &at);
	verdict = admit_bind(context, &at.address, &narrow);
	if (narrow && !at.address.words[3])
		context->user_ip4 = bpf_htonl(LOOPBACK4_WORD);
	return verdict;
}

SEC("cgroup/bind6")
int bind6(struct bpf_sock_addr *context)
{
	struct job_state *job_state = bpf_get_local_storage(&job, 0);
	struct endpoint at;
	int verdict;
	bool narrow;

	context6_endpoint(context, &at);
	verdict = admit_bind(context, &at.address, &narrow);
	if (!narrow || at.address.words[3] || !address_is_loopback(&at.address))
		return verdict;
	if (!address_is_ipv4(&at.address) && job_state->proxy6.port) {
		context->user_ip6[3] = bpf_htonl(1);
	} else {
		context->user_ip6[2] = ADDRESS_MAPPED;
		context->user_ip6[3] = bpf_htonl(LOOPBACK4_WORD);
	}
	return verdict;
}

static __always_inline bool admit_option(struct job_state *job_state, int level, int name)
{
	if (job_state->network == NETWORK_FULL || !option_is_refused(level, name))
		return true;
	refuse(job_state->id, &job_state->budget, REASON_OPTION, HOOK_OPTION,
		level == IPPROTO_IP ? AF_INET : AF_INET6, 0, NULL);
	return false;
}

SEC("cgroup/setsockopt")
int setsockopt(struct bpf_sockopt *context)
{
	struct job_state *job_state = bpf_get_local_storage(&job, 0);

	if (!admit_option(job_state, context->level, context->optname))
		return PROGRAM_REFUSE;
	/*
	 * Have the kernel take the job's own bytes. The program has one page of them at
	 * most (Linux 5.9).
	 */
	context->optlen = 0;
	return PROGRAM_ALLOW;
}

/*
 * int socket_setsockopt(struct socket *sock, int level, int optname)
 *
 * The program above does not see calls of 32-bit programs (do_sock_setsockopt() in
 * net/socket.c, Linux 5.3 to 7.3).
 */
SEC("lsm_cgroup/socket_setsockopt")
int socket_option(__u64 *context)
{
	struct job_state *job_state = bpf_get_local_storage(&job, 0);

	return admit_option(job_state, (int)context[1], (int)context[2]) ? LSM_CONTINUE
									 : LSM_PERMISSION;
}
