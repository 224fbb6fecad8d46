// SPDX-License-Identifier: BSD-2-Clause
/*
 * See daemon.h. These pages list the state that execve(2) and fork(2) keep: execve(2),
 * getrlimit(2), sched(7), personality(2).
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <linux/keyctl.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jobfence/secrets.h"
#include "lib/cleanup.h"
#include "node/daemon.h"

#define TIMER_SLACK 50000UL /* ns, the value of process 1 */
#define CPUS_MAX    8192    /* the largest CONFIG_NR_CPUS of any architecture */

/*
 * Keeps a hard limit that is high enough, because without CAP_SYS_RESOURCE nothing can
 * raise it again. Where it is too low and can't be raised, the limit is as high as it can
 * be, and the result is -EPERM.
 */
static int set_limit(int resource, rlim_t value)
{
	struct rlimit limit;
	rlim_t hard;

	if (getrlimit((__rlimit_resource_t)resource, &limit))
		return -errno;
	hard = limit.rlim_max;
	limit.rlim_cur = value;
	if (hard < value)
		limit.rlim_max = value;
	if (!setrlimit((__rlimit_resource_t)resource, &limit))
		return 0;
	if (errno != EPERM)
		return -errno;
	limit.rlim_cur = limit.rlim_max = hard;
	return setrlimit((__rlimit_resource_t)resource, &limit) ? -errno : -EPERM;
}

static int lift_limits(void)
{
	static const int resources[] = { RLIMIT_AS, RLIMIT_CPU, RLIMIT_DATA, RLIMIT_FSIZE };
	int error = 0;

	for (size_t i = 0; !error && i < ARRAY_SIZE(resources); i++)
		error = set_limit(resources[i], RLIM_INFINITY);
	return error;
}

/*
 * Only secrets and authorities are locked. Where this can't be raised, a proxy ends that
 * can't lock them.
 */
static int lock_memory(void)
{
	int error = set_limit(RLIMIT_MEMLOCK, SECRETS_LOCKED);

	return error == -EPERM ? 0 : error;
}

static int limit_processes(void)
{
	/* The proxy's user has no other processes. */
	return set_limit(RLIMIT_NPROC, 64);
}

static int schedule(void)
{
	const struct sched_param none = {};

	if (sched_setscheduler(0, SCHED_OTHER, &none) || setpriority(PRIO_PROCESS, 0, 0))
		return -errno;
	if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, 0) && errno != ENOSYS)
		return -errno;
	return prctl(PR_SET_TIMERSLACK, TIMER_SLACK) ? -errno : 0;
}

/* Asks for all processors. The kernel reduces them to those that the cgroup may use. */
static int use_processors(void)
{
	cpu_set_t *all = CPU_ALLOC(CPUS_MAX);
	const size_t size = CPU_ALLOC_SIZE(CPUS_MAX);
	int error;

	if (!all)
		return -ENOMEM;
	memset(all, 0xff, size);
	error = sched_setaffinity(0, size, all) ? -errno : 0;
	CPU_FREE(all);
	return error;
}

static int use_memory(void)
{
	if (syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0) && errno != ENOSYS)
		return -errno;
	return personality(PER_LINUX) < 0 ? -errno : 0;
}

static int reset_oom_score(void)
{
	_fd_ int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, "0", 1) != 1 ? -errno : 0;
}

static int leave_caller(void)
{
	setsid(); /* fails only for the leader of a group, which a child is not */
	umask(022);
	if (chdir("/"))
		return -errno;
	/*
	 * If a filter of the caller refuses keyctl(2), the caller's keys are out of reach
	 * too.
	 */
	(void)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
	return 0;
}

int daemon_begin(rlim_t open_files, const char **step)
{
	static const struct {
		const char *what;
		int (*take)(void);
	} steps[] = {
		{ "leave its caller's folder", leave_caller },
		{ "lift its caller's limits of memory and time (CAP_SYS_RESOURCE)",
			lift_limits },
		{ "set its limit of locked memory", lock_memory },
		{ "set its limit of processes (CAP_SYS_RESOURCE)", limit_processes },
		{ "set its scheduling (CAP_SYS_NICE)", schedule },
		{ "set its processors", use_processors },
		{ "set its memory policy", use_memory },
		{ "set its oom_score_adj (CAP_SYS_RESOURCE)", reset_oom_score },
	};
	int error = 0;

	for (size_t i = 0; !error && i < ARRAY_SIZE(steps); i++) {
		*step = steps[i].what;
		error = steps[i].take();
	}
	if (error)
		return error;
	*step = "raise its limit of open files (CAP_SYS_RESOURCE)";
	return set_limit(RLIMIT_NOFILE, open_files);
}
