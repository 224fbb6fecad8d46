/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* The address of a bpf_sock_addr context as an endpoint, and back, for both families. */

#include "jobfence/fence.h"

static __always_inline void to_from_context4(
	struct endpoint *to, const struct bpf_sock_addr *context)
{
	address_from_ip4(&to->address, context->user_ip4);
	to->port = context->user_port;
	to->unused = 0;
}

static __always_inline void to_from_context6(
	struct endpoint *to, const struct bpf_sock_addr *context)
{
	to->address.words[0] = context->user_ip6[0];
	to->address.words[1] = context->user_ip6[1];
	to->address.words[2] = context->user_ip6[2];
	to->address.words[3] = context->user_ip6[3];
	to->port = context->user_port;
	to->unused = 0;
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
