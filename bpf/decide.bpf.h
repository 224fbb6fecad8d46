/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * The one decision on where a job's socket may go. The hooks of both families and of connected and
 * unconnected sockets translate their context into it and back.
 */

#include "event.bpf.h"
#include "jobfence/address.h"

#include <linux/in.h>

#include <bpf/bpf_endian.h>

#define AF_INET	    2
#define AF_INET6    10
#define SOCK_STREAM 1
#define SOCK_DGRAM  2
#define PORT_DNS    bpf_htons(53)
#define PORT_HTTP   bpf_htons(80)
#define PORT_HTTPS  bpf_htons(443)
#define MAPPED_WORD bpf_htonl(0x0000ffff)

#define PROGRAM_REFUSE 0
#define PROGRAM_ALLOW  1

static __always_inline void address_from_ip4(struct address *address, __be32 ip4)
{
	address->words[0] = 0;
	address->words[1] = 0;
	address->words[2] = MAPPED_WORD;
	address->words[3] = ip4;
}

static __always_inline bool address_equal(const struct address *a, const struct address *b)
{
	return a->words[0] == b->words[0] && a->words[1] == b->words[1] &&
	       a->words[2] == b->words[2] && a->words[3] == b->words[3];
}

static __always_inline bool endpoint_equal(
	const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && address_equal(&a->address, &b->address);
}

/*
 * Whether a socket that goes to `address` stays on the loopback: connect(2) to the unspecified
 * address does as well (ip_route_output_key_hash(), ip6_dst_lookup()).
 */
static __always_inline bool address_is_loopback(const struct address *address)
{
	if (address_is_ipv4(address))
		return (address->words[3] & bpf_htonl(0xff000000)) ==
			       bpf_htonl(0x7f000000) ||
		       !address->words[3];
	return !address->words[0] && !address->words[1] && !address->words[2] &&
	       (!address->words[3] || address->words[3] == bpf_htonl(1));
}

/* Whether it is an address under which a job sees its proxy. */
static __always_inline bool address_is_virtual(const struct address *address)
{
	if (address_is_ipv4(address))
		return address->words[3] == bpf_htonl(PROXY_ADDRESS4_WORD);
	return address->words[0] == bpf_htonl(PROXY_ADDRESS6_WORD0) &&
	       address->words[1] == bpf_htonl(PROXY_ADDRESS6_WORD1) && !address->words[2] &&
	       address->words[3] == bpf_htonl(PROXY_ADDRESS6_WORD3);
}

/*
 * Whether connect(2) of a datagram socket may pass. It sends nothing, and resolvers do it to sort addresses (RFC 6724, glibc's
 * getaddrinfo()), all of which are these. What is sent there then, the packet filter refuses.
 */
static __always_inline bool is_harmless_connect(
	const struct endpoint *to, __u32 protocol, enum hook hook)
{
	return hook == HOOK_CONNECT && protocol == IPPROTO_UDP && to->port != PORT_DNS &&
	       address_is_virtual(&to->address);
}

/* Whether sock_create or socket_create may let a socket of an IP family be. */
static __always_inline bool is_plain_socket(__u32 type, __u32 protocol)
{
	return (type == SOCK_STREAM && (!protocol || protocol == IPPROTO_TCP)) ||
	       (type == SOCK_DGRAM && (!protocol || protocol == IPPROTO_UDP));
}

static __always_inline bool is_web_port(__be16 port)
{
	return port == PORT_HTTP || port == PORT_HTTPS;
}

struct decision {
	enum reason reason;		 /* why not, 0: allowed */
	const struct endpoint *listener; /* where to lead it, NULL: where it wants to go */
};

static __always_inline bool has_too_many(const struct job_state *job)
{
	const __u64 *open = bpf_map_lookup_elem(&open_count, &job->id);

	return !open || *open >= JOB_CONNECTIONS_MAX;
}

static __always_inline struct decision decide(const struct job_state *job,
	const struct endpoint *to, __u32 protocol, enum hook hook)
{
	struct decision decision = {};
	bool ip4 = address_is_ipv4(&to->address);

	if (job->network == NETWORK_FULL)
		return decision;
	if (address_is_loopback(&to->address)) {
		if (!(job->flags & JOB_OWN_NETNS))
			decision.reason = REASON_LOOPBACK;
		return decision;
	}
	if (job->network != NETWORK_HTTP)
		decision.reason = REASON_NETWORK;
	else if (is_harmless_connect(to, protocol, hook))
		return decision;
	else if (to->port != PORT_DNS && protocol != IPPROTO_TCP)
		decision.reason = REASON_DATAGRAM;
	else if (to->port != PORT_DNS && !is_web_port(to->port))
		decision.reason = REASON_PORT;
	else if (protocol == IPPROTO_TCP && has_too_many(job))
		decision.reason = REASON_LIMIT;
	else if (to->port == PORT_DNS)
		decision.listener = ip4 ? &job->dns4 : &job->dns6;
	else
		decision.listener = ip4 ? &job->proxy4 : &job->proxy6;
	if (decision.listener && !decision.listener->port)
		decision.reason = REASON_NETWORK;
	return decision;
}
