// SPDX-License-Identifier: BSD-2-Clause
/* See metrics_sandbox.h. The calls were found with strace(1). */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <jansson.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/metrics_sandbox.h"
#include "lib/capabilities.h"
#include "lib/cleanup.h"
#include "lib/files.h"
#include "lib/landlock.h"
#include "lib/seccomp.h"
#include "node/cgroup.h"
#include "node/paths.h"

#define NOBODY 65534 /* the user that the server becomes */
#define KEPT   (UINT64_C(1) << CAP_DAC_READ_SEARCH)

static int become_nobody(void)
{
	int error = capabilities_bound(KEPT);

	if (error)
		return error;
	/* If that fails, Landlock has to name the folder above. */
	(void)folder_make(RUN_FOLDER);
	(void)folder_make(NETNS_FOLDER);
	if (prctl(PR_SET_KEEPCAPS, 1) || setgroups(0, NULL) ||
		setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
		return -errno;
	return 0;
}

int metrics_drop_rights(void)
{
	int error = geteuid() ? 0 : become_nobody();

	if (!error)
		error = capabilities_keep(KEPT);
	if (error)
		return error;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) ||
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return -errno;
	return 0;
}

/* Allows to read a folder, or the one above if there may be such a folder later. */
static int allow_reading(int ruleset, const char *folder, const char *above)
{
	const uint64_t rights = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
	int error = landlock_allow(ruleset, folder, rights);

	return error == -ENOENT && above ? landlock_allow(ruleset, above, rights) : error;
}

/* Returns 0, METRICS_ALL_FILES, or -errno. */
static int restrict_files(void)
{
	/* Looked for now, as it is found in /proc. */
	const char *cgroups = cgroup_mount();
	_fd_ int ruleset = landlock_begin();
	int error;

	if (ruleset < 0)
		return ruleset == -ENOSYS ? METRICS_ALL_FILES : ruleset;
	error = allow_reading(ruleset, RUN_FOLDER, "/run");
	if (!error)
		error = allow_reading(ruleset, NETNS_FOLDER, "/run");
	if (!error)
		error = allow_reading(ruleset, "/sys/fs", NULL);
	/* libbpf counts the processors, for maps that have a value for each. */
	if (!error)
		error = allow_reading(ruleset, "/sys/devices/system/cpu", NULL);
	if (!error && cgroups)
		error = allow_reading(ruleset, cgroups, NULL);
	return error ? error : landlock_enforce(ruleset);
}

static const int allowed_calls[] = {
	/* libmicrohttpd */
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(accept4),
	SCMP_SYS(recvfrom),
	SCMP_SYS(sendto),
	SCMP_SYS(sendmsg),
	SCMP_SYS(writev),
	SCMP_SYS(shutdown),
	SCMP_SYS(getsockname),
	SCMP_SYS(getsockopt),
	/* files, and the C library */
	SCMP_SYS(read),
	SCMP_SYS(pread64),
	SCMP_SYS(write),
	SCMP_SYS(close),
	SCMP_SYS(lseek),
	SCMP_SYS(getdents64),
	SCMP_SYS(newfstatat),
	SCMP_SYS(fstat),
	SCMP_SYS(stat),
	SCMP_SYS(lstat),
	SCMP_SYS(statx),
	SCMP_SYS(statfs),
	SCMP_SYS(fstatfs),
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(getrandom),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(geteuid),
	SCMP_SYS(futex),
	/* memory, signals, and the end */
	CALLS_OF_ANY_PROGRAM,
};

/* Calls that can do more than the server needs. */
static const struct filtered_call allowed_in_part[] = {
	WHERE(openat, 1,
		NO_BITS_BUT(2, O_CLOEXEC | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW |
				       O_NONBLOCK | O_PATH)),
	/* Not F_SETOWN, by which the kernel would signal others. */
	WHERE(fcntl, 1, EQUAL(1, F_GETFL)),
	WHERE(fcntl, 1, EQUAL(1, F_SETFL)),
	WHERE(fcntl, 1, EQUAL(1, F_SETFD)),
	WHERE(fcntl, 1, EQUAL(1, F_DUPFD_CLOEXEC)),
	OPTION(IPPROTO_TCP, TCP_NODELAY),
	OPTION(IPPROTO_TCP, TCP_CORK),
	/* Maps to read, and no programs. */
	WHERE(bpf, 1, EQUAL(0, BPF_OBJ_GET)),
	WHERE(bpf, 1, EQUAL(0, BPF_OBJ_GET_INFO_BY_FD)),
	WHERE(bpf, 1, EQUAL(0, BPF_MAP_LOOKUP_ELEM)),
	WHERE(bpf, 1, EQUAL(0, BPF_MAP_LOOKUP_BATCH)),
	WHERE(bpf, 1, EQUAL(0, BPF_MAP_GET_NEXT_KEY)),
	WHERE(ioctl, 1, EQUAL(1, NS_GET_NSTYPE)), /* node/netns.c */
	/* No code that was not there at the start. */
	WHERE(mmap, 1, MASKED(2, PROT_EXEC, 0)),
	WHERE(mprotect, 1, MASKED(2, PROT_EXEC, 0)),
};

static int restrict_calls(void)
{
	_filter_ scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int error = filter ? filter_allow(filter, allowed_calls, ARRAY_SIZE(allowed_calls))
			   : -ENOMEM;

	if (!error)
		error = filter_add(filter, SCMP_ACT_ALLOW, allowed_in_part,
			ARRAY_SIZE(allowed_in_part));
	/* abort(3) may end the server, and nothing else. */
	if (!error)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
			SCMP_A0_32(SCMP_CMP_EQ, (unsigned)getpid()));
	/* The C library asks whether a file that it reads is a terminal. */
	if (!error)
		error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 1,
			SCMP_A1(SCMP_CMP_NE, NS_GET_NSTYPE));
	return error ? error : seccomp_load(filter);
}

int metrics_close_sandbox(void)
{
	int error, files;

	/* This one is found in /dev/urandom. */
	json_object_seed(0);
	files = restrict_files();
	error = files < 0 ? files : restrict_calls();
	return error ? error : files;
}
