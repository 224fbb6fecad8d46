/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The sockets on which a job's proxy listens. */

#include <stdbool.h>

#include "jobfence/abi.h"

/*
 * The listening sockets and the endpoints that they are bound to. -1: there is no such
 * socket.
 */
struct listeners {
	int proxy4, proxy6;
	int dns_udp4, dns_tcp4, dns_udp6, dns_tcp6;
	struct endpoint endpoint_proxy4, endpoint_proxy6, endpoint_dns4, endpoint_dns6;
};

/*
 * Makes the sockets in the caller's network namespace and cgroup. The connections that
 * they accept belong to that cgroup as well.
 *
 * Without `host` they get the proxy's virtual addresses and ports that no server uses.
 * If those ports are taken, they get free ports. With `host` they get the loopback
 * addresses and free ports. Without `ipv6` only IPv4 sockets are made. Returns 0 or
 * -errno.
 */
int listeners_open(struct listeners *listeners, bool host, bool ipv6);
