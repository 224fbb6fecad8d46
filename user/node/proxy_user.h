/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The users that proxies run as. Each proxy has a user and a group of its own. So nobody
 * else can signal or trace it, and the kernel's counts by user (pipes, epoll) are counts
 * for one job. systemd's list of users leaves these numbers free (UIDS-GIDS: 1879048192
 * to 2147483647).
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PROXY_USERS	 0x70000000U /* the first of 2^28 numbers */
#define PROXY_USERS_MASK 0x0fffffffU

/* The user and the group of the proxy in the cgroup with this id. */
static inline uid_t proxy_user_of(uint64_t cgroup_id)
{
	return PROXY_USERS | (uid_t)(cgroup_id & PROXY_USERS_MASK);
}

/* Whether this is the user of a proxy. */
static inline bool proxy_user_is(uid_t uid)
{
	return (uid & ~PROXY_USERS_MASK) == PROXY_USERS;
}
