// SPDX-License-Identifier: BSD-2-Clause
/*
 * socket(2) by its first argument. What makes sockets without saying so in its arguments is refused
 * whole: io_uring, and the 32-bit socketcall(2), whose place newer programs leave to socket(2). So is request_key(2), by which
 * the kernel has a program of the node's look for a key, in the network where it is one of the resolver's (request-key.conf(5)).
 */

#include <errno.h>
#include <jobfence/option.h>
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

static int refuse_all(scmp_filter_ctx filter)
{
	int error = refuse_families(filter);

	return error ? error : refuse_detours(filter);
}

#ifdef __x86_64__
/* The programs in the kernel don't see the calls of 32-bit programs: see bpf/socket.bpf.c. */
static int refuse_options(scmp_filter_ctx filter, int level)
{
	int error = 0;

	for (int name = 0; !error && name < OPTION_NAMES_END; name++)
		if (option_is_refused(level, name))
			error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM),
				SCMP_SYS(setsockopt), 2,
				SCMP_A1_32(SCMP_CMP_EQ, (unsigned)level),
				SCMP_A2_32(SCMP_CMP_EQ, (unsigned)name));
	return error;
}

/* Adds to a filter one for programs of 32 bits. */
static int add_compat(scmp_filter_ctx filter)
{
	_cleanup_(cleanup_filter) scmp_filter_ctx compat = seccomp_init(SCMP_ACT_ALLOW);
	int error = compat ? seccomp_arch_remove(compat, SCMP_ARCH_NATIVE) : -ENOMEM;

	if (!error)
		error = seccomp_arch_add(compat, SCMP_ARCH_X86);
	if (!error)
		error = seccomp_arch_add(compat, SCMP_ARCH_X32);
	if (!error)
		error = refuse_all(compat);
	if (!error)
		error = refuse_options(compat, LEVEL_IP);
	if (!error)
		error = refuse_options(compat, LEVEL_IPV6);
	if (!error)
		error = seccomp_merge(filter, compat);
	if (!error)
		TAKE_POINTER(compat);
	return error;
}
#endif

int socket_filter_install(void)
{
	_cleanup_(cleanup_filter) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int error = filter ? refuse_all(filter) : -ENOMEM;

#ifdef __x86_64__
	if (!error)
		error = add_compat(filter);
#endif
	return error ? error : seccomp_load(filter);
}
