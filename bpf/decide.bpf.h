/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Where a job's socket may go. The hooks for both families, and for connected and
 * unconnected sockets, all ask decide(). The first row that fits decides:
 *
 *	network	destination				decision
 *	full	any					allow
 *	any	loopback, in the job's own namespace	allow
 *	any	loopback				refuse: LOOPBACK
 *	none	any					refuse: NETWORK
 *	http	connect of UDP to the proxy's address,
 *		to a port other than 53			allow: see is_harmless_connect()
 *	http	UDP to a port other than 53		refuse: DATAGRAM
 *	http	TCP to a port other than 53, 80, 443	refuse: PORT
 *	http	TCP, with too many connections		refuse: LIMIT
 *	http	port 53					redirect to the DNS stub
 *	http	port 80 or 443				redirect to the proxy
 *
 * A redirect becomes "refuse: NETWORK" if the job has no listener of that family.
 */

#include "maps.bpf.h"

#include <linux/in.h>

#include <bpf/bpf_endian.h>

#include "jobfence/address.h"

#define PORT_DNS   bpf_htons(53)
#define PORT_HTTP  bpf_htons(80)
#define PORT_HTTPS bpf_htons(443)

struct decision {
	enum reason reason;		 /* why it is refused, 0: allowed */
	const struct endpoint *listener; /* redirect there, NULL: leave the destination */
};

/*
 * Whether connect(2) of a datagram socket may pass. It sends nothing. Resolvers do it to
 * sort addresses (RFC 6724, getaddrinfo() of glibc), and all addresses that a job sees
 * are these. The packet filter refuses what is sent there afterwards.
 */
static __always_inline bool is_harmless_connect(
	const struct endpoint *to, __u32 protocol, enum hook hook)
{
	return hook == HOOK_CONNECT && protocol == IPPROTO_UDP && to->port != PORT_DNS &&
	       address_is_virtual(&to->address);
}

static __always_inline bool is_web_port(__be16 port)
{
	return port == PORT_HTTP || port == PORT_HTTPS;
}

static __always_inline bool has_too_many(const struct job_state *state)
{
	const __u64 *open = bpf_map_lookup_elem(&open_count, &state->id);

	return !open || *open >= JOB_CONNECTIONS_MAX;
}

static __always_inline struct decision decide(const struct job_state *state,
	const struct endpoint *to, __u32 protocol, enum hook hook)
{
	struct decision decision = {};
	bool ip4 = address_is_ipv4(&to->address);

	if (state->network == NETWORK_FULL)
		return decision;
	if (address_is_loopback(&to->address)) {
		if (!(state->flags & JOB_OWN_NETNS))
			decision.reason = REASON_LOOPBACK;
		return decision;
	}
	if (state->network != NETWORK_HTTP)
		decision.reason = REASON_NETWORK;
	else if (is_harmless_connect(to, protocol, hook))
		return decision;
	else if (to->port != PORT_DNS && protocol != IPPROTO_TCP)
		decision.reason = REASON_DATAGRAM;
	else if (to->port != PORT_DNS && !is_web_port(to->port))
		decision.reason = REASON_PORT;
	else if (protocol == IPPROTO_TCP && has_too_many(state))
		decision.reason = REASON_LIMIT;
	else if (to->port == PORT_DNS)
		decision.listener = ip4 ? &state->dns4 : &state->dns6;
	else
		decision.listener = ip4 ? &state->proxy4 : &state->proxy6;
	if (decision.listener && !decision.listener->port)
		decision.reason = REASON_NETWORK;
	return decision;
}
