// SPDX-License-Identifier: BSD-2-Clause
/*
 * socket(2) by its first argument. What makes sockets without saying so in its arguments is refused
 * whole: io_uring, and the 32-bit socketcall(2), whose place newer programs leave to socket(2). So is request_key(2), by which
 * the kernel has a program of the node's look for a key, in the network where it is one of the resolver's (request-key.conf(5)).
 */

#include <errno.h>
#include <seccomp.h>

#include "core/socket_filter.h"
#include "lib/cleanup.h"

static void cleanup_filter(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

bool socket_filter_allows(int family)
{
	return family == AF_UNIX || family == AF_INET || family == AF_INET6 ||
	       family == AF_NETLINK;
}

static int refuse_families(scmp_filter_ctx filter)
{
	int error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
		SCMP_A0_32(SCMP_CMP_GT, SOCKET_FAMILY_LAST));

	for (int family = 0; !error && family < SOCKET_FAMILY_LAST; family++)
		if (!socket_filter_allows(family))
			error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM),
				SCMP_SYS(socket), 1,
				SCMP_A0_32(SCMP_CMP_EQ, (unsigned)family));
	return error;
}

static int refuse_detours(scmp_filter_ctx filter)
{
	int error =
		seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socketcall), 0);

	if (!error)
		error = seccomp_rule_add(
			filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(request_key), 0);
	return error ? error
		     : seccomp_rule_add(
			       filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(io_uring_setup), 0);
}

int socket_filter_install(void)
{
	_cleanup_(cleanup_filter) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int error;

	if (!filter)
		return -ENOMEM;
#ifdef __x86_64__
	error = seccomp_arch_add(filter, SCMP_ARCH_X86);
	if (!error)
		error = seccomp_arch_add(filter, SCMP_ARCH_X32);
	if (error)
		return error;
#endif
	error = refuse_families(filter);
	if (!error)
		error = refuse_detours(filter);
	return error ? error : seccomp_load(filter);
}
