/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The sockets on which a job's proxy is reached. */

#include <stdbool.h>

#include "jobfence/abi.h"

/* Descriptors, -1 where there is no such socket, and what they are bound to. */
struct listeners {
	int proxy4, proxy6;
	int dns_udp4, dns_tcp4, dns_udp6, dns_tcp6;
	struct endpoint endpoint_proxy4, endpoint_proxy6, endpoint_dns4, endpoint_dns6;
};

/*
 * Makes them in the caller's network namespace and cgroup, which the sockets that they accept will belong to
 * as well. On the proxy's virtual addresses and ports that no server has a use for, or free ones where these are
 * taken; with `host` on the loopback addresses and free ports. Without `ipv6` only the IPv4 ones. Returns 0 or
 * -errno.
 */
int listeners_open(struct listeners *listeners, bool host, bool ipv6);
