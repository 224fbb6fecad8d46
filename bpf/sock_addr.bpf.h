/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* The address in a context of bpf_sock_addr as an endpoint, and back, for both families. */

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "jobfence/address.h"

static __always_inline void context4_endpoint(
	const struct bpf_sock_addr *context, struct endpoint *endpoint)
{
	address_from_ipv4(&endpoint->address, context->user_ip4);
	endpoint->port = context->user_port;
	endpoint->unused = 0;
}

static __always_inline void context6_endpoint(
	const struct bpf_sock_addr *context, struct endpoint *endpoint)
{
	endpoint->address.words[0] = context->user_ip6[0];
	endpoint->address.words[1] = context->user_ip6[1];
	endpoint->address.words[2] = context->user_ip6[2];
	endpoint->address.words[3] = context->user_ip6[3];
	endpoint->port = context->user_port;
	endpoint->unused = 0;
}

static __always_inline void context4_set(
	struct bpf_sock_addr *context, const struct endpoint *to)
{
	context->user_ip4 = to->address.words[3];
	context->user_port = to->port;
}

static __always_inline void context6_set(
	struct bpf_sock_addr *context, const struct endpoint *to)
{
	context->user_ip6[0] = to->address.words[0];
	context->user_ip6[1] = to->address.words[1];
	context->user_ip6[2] = to->address.words[2];
	context->user_ip6[3] = to->address.words[3];
	context->user_port = to->port;
}
