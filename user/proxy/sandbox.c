// SPDX-License-Identifier: BSD-2-Clause
/*
 * The sandbox has three stages. The process gives up its rights for good. Landlock then
 * bounds what it may open, and seccomp what it may call. The supervisor has a list of what
 * it may not call.
 *
 * The worker has a list of what it may call. A call that is added to its code has to be
 * added here. The groups name the files that need them. A debug build names a call that is
 * missing (docs/debugging.md).
 */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/seccomp.h"
#include "proxy/debug.h"
#include "proxy/sandbox.h"

#define FD_OWN_MIN 16 /* descriptors that the worker connects have this number at least */

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[2] = {};

	return syscall(SYS_capset, &header, none) ? -errno : 0;
}

static int drop_bounding_set(void)
{
	for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; capability++)
		if (prctl(PR_CAPBSET_DROP, capability))
			return -errno;
	return 0;
}

/*
 * The length of files has no limit here. The standard error of the caller, which may be the
 * request log, may be longer than the proxy's own files. The worker gets a limit.
 */
static int set_limits(void)
{
	const struct rlimit none = { 0, 0 };
	const struct rlimit files = { PROXY_OPEN_FILES_MAX, PROXY_OPEN_FILES_MAX };

	if (setrlimit(RLIMIT_NOFILE, &files) || setrlimit(RLIMIT_CORE, &none))
		return -errno;
	return 0;
}

static int landlock_allow(int ruleset, const char *path, __u64 access)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = access };
	_fd_ int fd = open(path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	rule.parent_fd = fd;
	return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0)
		       ? -errno
		       : 0;
}

/*
 * Restricts the files that can be opened to the only one that c-ares reads at each look-up.
 * By now it has read the others. Returns -ENOSYS if the kernel has no Landlock.
 */
static int restrict_files(void)
{
	const struct landlock_ruleset_attr attributes = {
		/* All rights of the first version (Linux 5.13). */
		.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1,
	};
	_fd_ int ruleset = (int)syscall(
		SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0);
	int error;

	if (ruleset < 0)
		return errno == EOPNOTSUPP ? -ENOSYS : -errno;
	error = landlock_allow(ruleset, "/etc/hosts", LANDLOCK_ACCESS_FS_READ_FILE);
	if (error)
		return error;
	return syscall(SYS_landlock_restrict_self, ruleset, 0) ? -errno : 0;
}

static const int allowed_calls[] = {
	/* loop.c, and the descriptors of all */
	SCMP_SYS(epoll_pwait2),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(close),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	/* acceptor.c, peer.c, dial.c, closing.c, dns_stub.c. tunnel.c needs the last two */
	SCMP_SYS(accept4),
	SCMP_SYS(getsockopt),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	SCMP_SYS(read),
	SCMP_SYS(pread64),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(recvfrom),
	SCMP_SYS(sendto),
	SCMP_SYS(ppoll),
	SCMP_SYS(pipe2),
	SCMP_SYS(splice),
	/* other calls of c-ares and the C library */
	SCMP_SYS(newfstatat),
	SCMP_SYS(fstat),
	SCMP_SYS(stat),
	SCMP_SYS(lseek),
	SCMP_SYS(getrandom),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(futex),
	/* memory, and the end */
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	/* a sanitizer's own */
	SCMP_SYS(mprotect),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(readlink),
	SCMP_SYS(sched_yield),
	SCMP_SYS(prctl),
	SCMP_SYS(clone),
	SCMP_SYS(wait4),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(getdents64),
	SCMP_SYS(access),
	SCMP_SYS(prlimit64),
	SCMP_SYS(sched_getaffinity),
#endif
};

/* Conditions on an argument. They see 32 bits of it, as the kernel does of an int. */
#define MASKED(argument, mask, value) \
	{ \
		argument, SCMP_CMP_MASKED_EQ, (uint32_t)(mask), value \
	}
#define EQUAL(argument, value)	       MASKED(argument, UINT32_MAX, value)
#define NO_BITS_BUT(argument, allowed) MASKED(argument, ~(allowed), 0)

#define WHERE(call, count, ...) \
	{ \
		SCMP_SYS(call), count, \
		{ \
			__VA_ARGS__ \
		} \
	}
#define SOCKETS(family, type) \
	WHERE(socket, 3, EQUAL(0, family), \
		MASKED(1, ~(SOCK_NONBLOCK | SOCK_CLOEXEC), type), EQUAL(2, 0))
#define OPTION(level, name) WHERE(setsockopt, 2, EQUAL(1, level), EQUAL(2, name))

struct call {
	int number;
	unsigned count;
	struct scmp_arg_cmp conditions[3];
};

/* Calls that can do more than the worker needs. */
static const struct call allowed_in_part[] = {
	/*
	 * For the sites and the resolvers. The socket that asks for routes is open already.
	 * For other protocols the kernel would load a module before it asks the fence.
	 */
	SOCKETS(AF_INET, SOCK_STREAM),
	SOCKETS(AF_INET, SOCK_DGRAM),
	SOCKETS(AF_INET6, SOCK_STREAM),
	SOCKETS(AF_INET6, SOCK_DGRAM),
	WHERE(shutdown, 1, EQUAL(1, SHUT_WR)), /* no effect on a listening socket */
	OPTION(SOL_SOCKET, SO_SNDBUF),
	OPTION(SOL_SOCKET, SO_RCVBUF),
	OPTION(SOL_SOCKET, SO_BUF_LOCK),
	OPTION(SOL_SOCKET, SO_LINGER),
	OPTION(SOL_JOBFENCE, PROXY_REFUSED),
	OPTION(IPPROTO_TCP, TCP_NODELAY),
	OPTION(IPPROTO_TCP, TCP_WINDOW_CLAMP),
	OPTION(IPPROTO_TCP, TCP_LINGER2),
	OPTION(IPPROTO_TCP, TCP_USER_TIMEOUT),
	OPTION(IPPROTO_TCP, TCP_FASTOPEN_CONNECT), /* c-ares 1.34 */
	OPTION(IPPROTO_IPV6, IPV6_V6ONLY),	   /* the same */
	/* Not F_SETOWN, by which the kernel would signal the supervisor. */
	WHERE(fcntl, 1, EQUAL(1, F_GETFL)),
	WHERE(fcntl, 1, EQUAL(1, F_SETFL)),
	WHERE(fcntl, 1, EQUAL(1, F_SETFD)),
	/* Elements of the job's maps, but no programs. */
	WHERE(bpf, 1, EQUAL(0, BPF_MAP_LOOKUP_ELEM)),
	WHERE(bpf, 1, EQUAL(0, BPF_MAP_UPDATE_ELEM)),
	WHERE(bpf, 1, EQUAL(0, BPF_MAP_DELETE_ELEM)),
	/* No code that was not there at the start. */
	WHERE(mmap, 1, MASKED(2, PROT_EXEC, 0)),
};

/*
 * Calls that neither process of the proxy needs, and any user may make. A list of calls
 * that they need would have to include all that a worker calls while it starts. Those
 * change with each version of the loader and the libraries.
 */
static const struct call refused_calls[] = {
	/* Sockets beyond TCP, UDP and netlink for routes, see refuse_calls(). */
	WHERE(socket, 1, { 0, SCMP_CMP_GT, AF_NETLINK }),
	WHERE(socket, 2, EQUAL(0, AF_NETLINK), { 2, SCMP_CMP_NE, NETLINK_ROUTE }),
	WHERE(socketpair, 0),
	WHERE(io_uring_setup, 0),
	/*
	 * A user namespace, in which the process had all rights. A filter can't see the
	 * flags of clone3(2), and the C library does without it.
	 */
	WHERE(unshare, 0),
	WHERE(clone, 1, MASKED(0, CLONE_NEWUSER, CLONE_NEWUSER)),
	WHERE(clone3, 0),
	/* These have often been a way into the kernel. */
	WHERE(bpf, 1, EQUAL(0, BPF_MAP_CREATE)),
	WHERE(bpf, 1, { 0, SCMP_CMP_GT, BPF_MAP_DELETE_ELEM }),
	WHERE(perf_event_open, 0),
	WHERE(userfaultfd, 0),
	WHERE(add_key, 0),
	WHERE(request_key, 0),
	WHERE(keyctl, 0),
};

/*
 * Without Landlock there are no files at all. Names are then resolved without /etc/hosts.
 */
static int allow_opening(scmp_filter_ctx filter, bool restricted)
{
	const struct scmp_arg_cmp to_read = NO_BITS_BUT(2, O_CLOEXEC | O_LARGEFILE);

	return restricted ? seccomp_rule_add_array(
				    filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, &to_read)
			  : seccomp_rule_add(
				    filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat), 0);
}

/*
 * Allows connect(2), but not for the listening sockets. Connected to no address, they would
 * give back their ports. In the node's namespace another program could take those.
 */
static int allow_connecting(scmp_filter_ctx filter)
{
	int error = 0;

	static_assert(FD_DNS_TCP6 < FD_OWN_MIN, "descriptors are told apart by a bit");
	for (scmp_datum_t bit = FD_OWN_MIN; !error && bit < PROXY_OPEN_FILES_MAX; bit *= 2)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(connect), 1,
			SCMP_A0(SCMP_CMP_MASKED_EQ, bit, bit));
	return error;
}

#ifdef DEBUG_BUILD
#define NOT_ALLOWED SCMP_ACT_TRAP

/* Names the call that ends the worker, and ends it by the same signal. */
static void tell_call(int signal, siginfo_t *info, void *context)
{
	const char *name =
		seccomp_syscall_resolve_num_arch(seccomp_arch_native(), info->si_syscall);

	(void)context;
	fprintf(stderr, "worker: its filter in sandbox.c does not allow %s (%d)\n",
		name ? name : "the call", info->si_syscall);
	raise(signal);
}

static int prepare_to_tell(void)
{
	const struct sigaction action = { .sa_sigaction = tell_call,
		.sa_flags = SA_SIGINFO | (int)SA_RESETHAND | SA_NODEFER };

	return sigaction(SIGSYS, &action, NULL) ? -errno : 0;
}
#else
#define NOT_ALLOWED SCMP_ACT_KILL_PROCESS

static int prepare_to_tell(void)
{
	return 0;
}
#endif

static int restrict_calls(bool files_restricted)
{
	_filter_ scmp_filter_ctx filter = seccomp_init(NOT_ALLOWED);
	int error;

	if (!filter)
		return -ENOMEM;
	error = allow_opening(filter, files_restricted);
	if (!error)
		error = allow_connecting(filter);
	for (size_t i = 0; !error && i < ARRAY_SIZE(allowed_calls); i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed_calls[i], 0);
	for (size_t i = 0; !error && i < ARRAY_SIZE(allowed_in_part); i++)
		error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW,
			allowed_in_part[i].number, allowed_in_part[i].count,
			allowed_in_part[i].conditions);
	/* abort(3) may end the worker, but not its supervisor. */
	if (!error)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
			SCMP_A0_32(SCMP_CMP_EQ, (unsigned)getpid()));
	/* The C library asks whether a file that it reads is a terminal. */
	if (!error)
		error = seccomp_rule_add(
			filter, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 0);
	if (!error)
		error = prepare_to_tell();
	return error ? error : seccomp_load(filter);
}

static int refuse_calls(void)
{
	_filter_ scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int error = filter ? 0 : -ENOMEM;

	for (unsigned family = 0; !error && family < AF_NETLINK; family++)
		if (family != AF_INET && family != AF_INET6)
			error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS),
				SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, family));
	for (size_t i = 0; !error && i < ARRAY_SIZE(refused_calls); i++)
		error = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(ENOSYS),
			refused_calls[i].number, refused_calls[i].count,
			refused_calls[i].conditions);
	return error ? error : seccomp_load(filter);
}

int sandbox_drop_privileges(const struct proxy_settings *settings)
{
	int error = set_limits();

	if (!error)
		error = drop_bounding_set();
	if (error)
		return error;
	if (setgroups(0, NULL) || setresgid(settings->gid, settings->gid, settings->gid) ||
		setresuid(settings->uid, settings->uid, settings->uid))
		return -errno;
	error = drop_capabilities();
	if (error)
		return error;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return -errno;
	return refuse_calls();
}

int sandbox_close(void)
{
	bool files_restricted;
	int error;

	/* Executing the worker has made it dumpable again. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return -errno;
	error = restrict_files();
	if (error && error != -ENOSYS)
		return error;
	files_restricted = !error;
	return restrict_calls(files_restricted);
}
