/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Which options of setsockopt(2) a job may not set: those that have the kernel speak to a network for it, as it reports groups
 * by sockets of its own (IGMP, MLD), or that narrow the ports which bind(2) chooses from, down to one that is somebody
 * else's. For the programs in the kernel, and for the filter of system calls where they are not asked.
 */

#ifndef __bpf__
#include <stdbool.h>
#endif

#define LEVEL_IP	 0  /* SOL_IP */
#define LEVEL_IPV6	 41 /* SOL_IPV6 */
#define OPTION_NAMES_END 64 /* above all of the names below */

/* Whether a job may not set the option `name` of `level`, by the numbers of include/uapi/linux/in.h and in6.h. */
static inline bool option_is_refused(int level, int name)
{
	if (level != LEVEL_IP && level != LEVEL_IPV6)
		return false;
	switch (name) {
	case 42: /* MCAST_JOIN_GROUP */
	case 46: /* MCAST_JOIN_SOURCE_GROUP */
	case 48: /* MCAST_MSFILTER */
		return true;
	case 35: /* IP_ADD_MEMBERSHIP */
	case 39: /* IP_ADD_SOURCE_MEMBERSHIP */
	case 41: /* IP_MSFILTER */
	case 51: /* IP_LOCAL_PORT_RANGE */
		return level == LEVEL_IP;
	case 20: /* IPV6_ADD_MEMBERSHIP */
	case 27: /* IPV6_JOIN_ANYCAST */
		return level == LEVEL_IPV6;
	default:
		return false;
	}
}
