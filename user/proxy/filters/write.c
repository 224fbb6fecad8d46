// SPDX-License-Identifier: BSD-2-Clause
/*
 * Writes the proxy's filters of system calls, as arrays of struct sock_filter. It runs
 * while the proxy is built. So the proxy needs no libseccomp, which takes a millisecond and
 * 170 KiB of the worker to write a filter.
 *
 * The proxy may be built for another architecture. target.h, which the Makefile writes,
 * tells which one, and whether the compiler of the proxy makes a debug build.
 *
 * The worker has a list of what it may call. A call that is added to its code has to be
 * added here. The groups name the files that need them. A debug build names a call that is
 * missing (docs/debugging.md).
 */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/seccomp.h"
#include "proxy/settings.h"
#include "target.h"

#define FD_OWN_MIN 16 /* descriptors that the worker connects have this number at least */

#ifdef DEBUG_BUILD
#define NOT_ALLOWED SCMP_ACT_TRAP
#else
#define NOT_ALLOWED SCMP_ACT_KILL_PROCESS
#endif

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
	/* memory, signals, and the end */
	CALLS_OF_ANY_PROGRAM,
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

#define SOCKETS(family, type) \
	WHERE(socket, 3, EQUAL(0, family), \
		MASKED(1, ~(SOCK_NONBLOCK | SOCK_CLOEXEC), type), EQUAL(2, 0))

/* Calls that can do more than the worker needs. */
static const struct filtered_call allowed_in_part[] = {
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
static const struct filtered_call refused_calls[] = {
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

/* Adds what the worker may call. */
static int allow_calls(scmp_filter_ctx filter, bool files_restricted)
{
	int error = allow_opening(filter, files_restricted);

	if (!error)
		error = allow_connecting(filter);
	if (!error)
		error = filter_allow(filter, allowed_calls, ARRAY_SIZE(allowed_calls));
	if (!error)
		error = filter_add(filter, SCMP_ACT_ALLOW, allowed_in_part,
			ARRAY_SIZE(allowed_in_part));
	/* The C library asks whether a file that it reads is a terminal. */
	if (!error)
		error = seccomp_rule_add(
			filter, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 0);
	return error;
}

/* Adds what neither process may call. */
static int refuse_calls(scmp_filter_ctx filter)
{
	int error = 0;

	for (unsigned family = 0; !error && family < AF_NETLINK; family++)
		if (family != AF_INET && family != AF_INET6)
			error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS),
				SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, family));
	if (!error)
		error = filter_add(filter, SCMP_ACT_ERRNO(ENOSYS), refused_calls,
			ARRAY_SIZE(refused_calls));
	return error;
}

/* The kernel reads a filter as an array, and so does this: by a file without a name. */
static int write_array(const char *name, scmp_filter_ctx filter)
{
	_fd_ int file = memfd_create(name, MFD_CLOEXEC);
	struct sock_filter step;
	int error = file < 0 ? -errno : seccomp_export_bpf(filter, file);
	ssize_t length = 0;

	if (error)
		return error;
	printf("static const struct sock_filter %s[] = {\n", name);
	for (off_t at = 0; (length = pread(file, &step, sizeof(step), at)) == sizeof(step);
		at += length)
		printf("\t{ 0x%x, %u, %u, 0x%x },\n", step.code, step.jt, step.jf, step.k);
	printf("};\n");
	return length ? -EIO : 0;
}

/*
 * Makes a filter for the proxy's architecture. The numbers of calls stay those of this one,
 * and libseccomp translates them. It leaves out calls that the other has not. NULL: it does
 * not know the architecture, or can't write for it.
 */
static scmp_filter_ctx make_filter(uint32_t action)
{
	const uint32_t target = seccomp_arch_resolve_name(TARGET);
	scmp_filter_ctx filter = target ? seccomp_init(action) : NULL;

	if (!filter || target == seccomp_arch_native())
		return filter;
	if (!seccomp_arch_add(filter, target) &&
		!seccomp_arch_remove(filter, SCMP_ARCH_NATIVE))
		return filter;
	seccomp_release(filter);
	return NULL;
}

static int write_worker_filter(const char *name, bool files_restricted)
{
	_filter_ scmp_filter_ctx filter = make_filter(NOT_ALLOWED);
	int error = filter ? allow_calls(filter, files_restricted) : -ENOTSUP;

	return error ? error : write_array(name, filter);
}

static int write_common_filter(const char *name)
{
	_filter_ scmp_filter_ctx filter = make_filter(SCMP_ACT_ALLOW);
	int error = filter ? refuse_calls(filter) : -ENOTSUP;

	return error ? error : write_array(name, filter);
}

int main(void)
{
	int error = write_common_filter("common_filter");

	if (!error)
		error = write_worker_filter("worker_filter", true);
	if (!error)
		error = write_worker_filter("worker_filter_without_files", false);
	if (!error && (fflush(stdout) || ferror(stdout)))
		error = -EIO;
	if (error)
		fprintf(stderr, "filters for " TARGET ": %s\n", strerror(-error));
	return error ? 1 : 0;
}
