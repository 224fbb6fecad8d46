// SPDX-License-Identifier: BSD-2-Clause
/*
 * The sandbox has three stages. The process gives up its rights for good. Landlock then
 * bounds what it may open, and seccomp what it may call. filters/write.c has the lists.
 */

#include <errno.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "filters.h"
#include "lib/capabilities.h"
#include "lib/cleanup.h"
#include "lib/landlock.h"
#include "proxy/debug.h"
#include "proxy/sandbox.h"

#ifdef DEBUG_BUILD
#include <seccomp.h>
#endif

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

/*
 * Restricts the files that can be opened to the only one that c-ares reads at each look-up.
 * By now it has read the others. Returns -ENOSYS if the kernel has no Landlock.
 */
static int restrict_files(void)
{
	_fd_ int ruleset = landlock_begin();
	int error = ruleset < 0 ? ruleset
				: landlock_allow(ruleset, "/etc/hosts",
					  LANDLOCK_ACCESS_FS_READ_FILE);

	return error && error != -ENOENT ? error : landlock_enforce(ruleset);
}

#ifdef DEBUG_BUILD
/* Names the call that ends the worker, and ends it by the same signal. */
static void tell_call(int signal, siginfo_t *info, void *context)
{
	const char *name =
		seccomp_syscall_resolve_num_arch(seccomp_arch_native(), info->si_syscall);

	(void)context;
	fprintf(stderr, "worker: its filter in filters/write.c does not allow %s (%d)\n",
		name ? name : "the call", info->si_syscall);
	raise(signal);
}

static int prepare_to_tell(void)
{
	const struct sigaction action = { .sa_sigaction = tell_call,
		.sa_flags = SA_SIGINFO | (int)SA_RESETHAND | SA_NODEFER };

	return sigaction(SIGSYS, &action, NULL) ? -errno : 0;
}
#endif

static int load_filter(const struct sock_filter *filter, size_t count)
{
	const struct sock_fprog program = {
		.len = (unsigned short)count,
		.filter = (struct sock_filter *)(uintptr_t)filter,
	};

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) ? -errno : 0;
}

int sandbox_drop_privileges(const struct proxy_settings *settings)
{
	int error = set_limits();

	if (!error)
		error = capabilities_bound(0);
	if (error)
		return error;
	if (setgroups(0, NULL) || setresgid(settings->gid, settings->gid, settings->gid) ||
		setresuid(settings->uid, settings->uid, settings->uid))
		return -errno;
	error = capabilities_keep(0);
	if (error)
		return error;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return -errno;
	return load_filter(common_filter, ARRAY_SIZE(common_filter));
}

int sandbox_begin(void)
{
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ? -errno : 0;
}

int sandbox_close(void)
{
	bool files_restricted;
	int error;

	error = restrict_files();
	if (error && error != -ENOSYS)
		return error;
	files_restricted = !error;
#ifdef DEBUG_BUILD
	error = prepare_to_tell();
	if (error)
		return error;
#endif
	return files_restricted ? load_filter(worker_filter, ARRAY_SIZE(worker_filter))
				: load_filter(worker_filter_without_files,
					  ARRAY_SIZE(worker_filter_without_files));
}
