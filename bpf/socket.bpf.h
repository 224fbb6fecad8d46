/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* Which sockets of an IP family a job and its proxy may have. */

#include <linux/in.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>

#include "hook.bpf.h"

/*
 * Whether it is plain TCP or UDP, by the arguments of socket(2). Protocol 0 is the
 * default.
 */
static __always_inline bool is_plain_socket(__u32 type, __u32 protocol)
{
	return (type == SOCK_STREAM && (!protocol || protocol == IPPROTO_TCP)) ||
	       (type == SOCK_DGRAM && (!protocol || protocol == IPPROTO_UDP));
}
