/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Socket options that a job must not set.
 *
 * A job that joins a multicast group makes the kernel send reports (IGMP, MLD) from a
 * socket of its own. A job that narrows the ports that bind(2) chooses from could claim a
 * chosen port of the node.
 *
 * The programs in the kernel refuse these options. So does the seccomp filter, for calls
 * that the programs do not see.
 */

#include <stdbool.h>
#ifdef __bpf__
#include <linux/in.h>
#include <linux/in6.h>
#else
#include <netinet/in.h>
#endif

#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51 /* Linux 6.3 */
#endif
#define OPTION_NAMES_END 64 /* above all names of options below */

/* Whether a job may not set the option `name` of `level`. */
static inline bool option_is_refused(int level, int name)
{
	if (level != IPPROTO_IP && level != IPPROTO_IPV6)
		return false;
	switch (name) {
	case MCAST_JOIN_GROUP:
	case MCAST_JOIN_SOURCE_GROUP:
	case MCAST_MSFILTER:
		return true;
	case IP_ADD_MEMBERSHIP:
	case IP_ADD_SOURCE_MEMBERSHIP:
	case IP_MSFILTER:
	case IP_LOCAL_PORT_RANGE:
		return level == IPPROTO_IP;
	case IPV6_ADD_MEMBERSHIP:
	case IPV6_JOIN_ANYCAST:
		return level == IPPROTO_IPV6;
	default:
		return false;
	}
}
