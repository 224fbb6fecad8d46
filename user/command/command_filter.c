// SPDX-License-Identifier: BSD-2-Clause
/*
 * The filter of a command's system calls. Namespaces do not keep these from a command:
 *
 *	socket, socketpair	refused by the first argument, the family
 *	lib/detours.h		calls that lead around the rule on sockets
 *	add_key, keyctl		keys of a user: all jobs share them, and they outlive a job
 *	ioctl			TIOCSTI and TIOCLINUX put input into a terminal
 *
 * Without `sockets`, as for a job whose network is full, the first two rows are left out.
 */

#include <errno.h>
#include <sys/ioctl.h>

#include "command/command_filter.h"
#include "jobfence/option.h"
#include "lib/detours.h"
#include "lib/seccomp.h"

static int refuse_families(scmp_filter_ctx filter, enum socket_call call)
{
	const int number = call == CALL_SOCKET ? SCMP_SYS(socket) : SCMP_SYS(socketpair);
	int error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 1,
		SCMP_A0_32(SCMP_CMP_GT, SOCKET_FAMILY_LAST));

	for (int family = 0; !error && family <= SOCKET_FAMILY_LAST; family++)
		if (!socket_call_allows(call, family))
			error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 1,
				SCMP_A0_32(SCMP_CMP_EQ, (unsigned)family));
	return error;
}

static int refuse_detours(scmp_filter_ctx filter)
{
	int error = 0;

	for (size_t i = 0; !error && i < DETOURS; i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint16_t)detours[i].error),
			seccomp_syscall_resolve_name(detours[i].name), 0);
	return error;
}

/* Programs read ENOSYS as a kernel without keys, and work without them. */
static int refuse_keys(scmp_filter_ctx filter)
{
	int error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(add_key), 0);

	return error ? error
		     : seccomp_rule_add(
			       filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(keyctl), 0);
}

/*
 * The kernel reads only the lower 32 bits of a request. SCMP_A1_32 would compare all
 * bits.
 */
static int refuse_typing(scmp_filter_ctx filter)
{
	static const unsigned requests[] = { TIOCSTI, TIOCLINUX };
	int error = 0;

	for (size_t i = 0; !error && i < ARRAY_SIZE(requests); i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
			SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, requests[i]));
	return error;
}

static int refuse_all(scmp_filter_ctx filter, bool sockets)
{
	int error = refuse_typing(filter);

	if (!error)
		error = refuse_keys(filter);
	if (!error && sockets)
		error = refuse_families(filter, CALL_SOCKET);
	if (!error && sockets)
		error = refuse_families(filter, CALL_SOCKETPAIR);
	return error || !sockets ? error : refuse_detours(filter);
}

#ifdef __x86_64__
/* The BPF programs do not see setsockopt(2) of 32-bit programs. See bpf/socket.bpf.c. */
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

/* Merges a filter for 32-bit programs into `filter`. */
static int add_compat(scmp_filter_ctx filter, bool sockets)
{
	_filter_ scmp_filter_ctx compat = seccomp_init(SCMP_ACT_ALLOW);
	int error = compat ? seccomp_arch_remove(compat, SCMP_ARCH_NATIVE) : -ENOMEM;

	if (!error)
		error = seccomp_arch_add(compat, SCMP_ARCH_X86);
	if (!error)
		error = seccomp_arch_add(compat, SCMP_ARCH_X32);
	if (!error)
		error = refuse_all(compat, sockets);
	if (!error && sockets)
		error = refuse_options(compat, IPPROTO_IP);
	if (!error && sockets)
		error = refuse_options(compat, IPPROTO_IPV6);
	if (!error)
		error = seccomp_merge(filter, compat);
	if (!error)
		TAKE_POINTER(compat);
	return error;
}
#endif

int command_filter_install(bool sockets)
{
	_filter_ scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int error = filter ? refuse_all(filter, sockets) : -ENOMEM;

#ifdef __x86_64__
	if (!error)
		error = add_compat(filter, sockets);
#endif
	return error ? error : seccomp_load(filter);
}
