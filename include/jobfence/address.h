/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The one classifier of addresses. The proxy asks it before it dials, the programs on the
 * proxy's cgroup ask it again when it does: so it is written for both compilers, without
 * libc and with bounded loops only.
 */

#include "jobfence/fence.h"

enum address_class {
	ADDRESS_PUBLIC = 0, /* globally reachable unicast */
	ADDRESS_UNSPECIFIED,
	ADDRESS_LOOPBACK,
	ADDRESS_PRIVATE,    /* RFC 1918, unique local, deprecated site-local */
	ADDRESS_LINK_LOCAL, /* metadata services among them */
	ADDRESS_SHARED,	    /* carrier-grade NAT, RFC 6598 */
	ADDRESS_MULTICAST,  /* and broadcast */
	ADDRESS_RESERVED,   /* documentation, benchmarking, protocol assignments, unassigned */
};
