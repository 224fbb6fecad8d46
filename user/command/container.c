// SPDX-License-Identifier: BSD-2-Clause
/* See container.h. */

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "command/container.h"
#include "command/view.h"
#include "job/init.h"
#include "lib/cleanup.h"
#include "lib/files.h"
#include "node/cgroup.h"
#include "node/first_word.h"

#define INIT_NAMESPACES (CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC)
#define INIT_PATIENCE	10000 /* ms */

/* Init's report: its view is complete, or why not. */
struct report {
	int error;
	char step[VIEW_STEP_MAX];
};

/*
 * The first process of a PID namespace gets only signals that it handles, and SIGKILL
 * from outside. The kernel reaps children of a process that ignores SIGCHLD.
 */
static __attribute__((noreturn)) void stay(void)
{
	sigset_t none;

	sigemptyset(&none);
	for (;;)
		sigsuspend(&none);
}

static __attribute__((noreturn)) void become_init(
	const struct job *job, int netns, bool ends_with_caller, int pipe)
{
	struct report report = { .step = "enter the network namespace" };

	signal(SIGCHLD, SIG_IGN);
	umask(022);
	/*
	 * The caller may have ended before this call. Then nobody reads the report, so
	 * init ends when it writes it.
	 */
	if (ends_with_caller && prctl(PR_SET_PDEATHSIG, SIGKILL))
		report.error = -errno;
	if (!report.error && (setsid() < 0 || setns(netns, CLONE_NEWNET)))
		report.error = -errno;
	if (!report.error)
		report.error = view_make(job, report.step);
	if (!report.error && (chdir("/") || dup2(pipe, STDIN_FILENO) < 0 ||
				     close_range(STDIN_FILENO + 1, ~0U, 0)))
		report.error = -errno;
	if (report.error) {
		if (write(pipe, &report, sizeof(report)) < 0)
			_exit(2);
		_exit(1);
	}
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_NAME, INIT_NAME);
	if (write(STDIN_FILENO, &report, sizeof(report)) != sizeof(report))
		_exit(1);
	close(STDIN_FILENO);
	stay();
}

static int read_report(const struct job *job, int pipe, struct failure *failure)
{
	int error = first_word_wait(
		job->paths.init, pipe, INIT_PATIENCE, "the job's first process", failure);
	struct report report;

	if (error)
		return error;
	if (read(pipe, &report, sizeof(report)) != sizeof(report))
		return fail(failure, -EPIPE, "the job's first process ended at its start");
	report.step[VIEW_STEP_MAX - 1] = '\0';
	return report.error ? fail(failure, report.error, "cannot enter the job: cannot %s",
				      report.step)
			    : 0;
}

/*
 * Ends a first process that has no view yet. Its caller has ended: this process holds the
 * job's lock, so no other caller waits for the report.
 */
static int end_unfinished(const struct job *job)
{
	return cgroup_first_process(job->paths.init) > 0
		       ? cgroup_kill(job->paths.init, KILL_PATIENCE)
		       : 0;
}

static int start(const struct job *job, bool ends_with_caller, struct failure *failure)
{
	_fd_ int netns = job_open_netns(job, failure), cgroup = -1, read_end = -1,
		 write_end = -1;
	int pair[2], error = netns < 0 ? netns : folder_make(job->paths.init);
	pid_t pid;

	if (netns < 0)
		return netns;
	cgroup = error ? error : cgroup_open(job->paths.init);
	if (cgroup < 0)
		return fail(failure, cgroup, "cannot open cgroup %s", job->paths.init);
	if (pipe2(pair, O_CLOEXEC))
		return fail(failure, -errno, "cannot start the job's first process");
	read_end = pair[0];
	write_end = pair[1];
	pid = cgroup_fork(cgroup, INIT_NAMESPACES);
	if (pid < 0)
		return fail(failure, pid, "cannot start the job's first process");
	if (!pid)
		become_init(job, netns, ends_with_caller, write_end);
	close(TAKE_FD(write_end));
	error = read_report(job, read_end, failure);
	if (error) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return error;
}

static int open_root(pid_t pid)
{
	char path[PATH_SIZE];
	int root;

	if (path_format(path, "/proc/%d/root", (int)pid))
		return -ENAMETOOLONG;
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? -errno : root;
}

int container_open(const struct job *job, bool ends_with_caller,
	struct container *container, struct failure *failure)
{
	pid_t pid;

	container->init = job_open_init(job, &pid);
	if (container->init == -ESRCH) {
		int error = end_unfinished(job);

		if (error)
			return fail(failure, error, "cannot end the processes in %s",
				job->paths.init);
		error = start(job, ends_with_caller, failure);
		if (error)
			return error;
		container->init = job_open_init(job, &pid);
	}
	container->root = container->init < 0 ? -ESRCH : open_root(pid);
	return container->root < 0
		       ? fail(failure, container->root, "cannot open the job's namespaces")
		       : 0;
}

void container_close(struct container *container)
{
	if (container->init >= 0)
		close(container->init);
	if (container->root >= 0)
		close(container->root);
	*container = CONTAINER_NONE;
}

pid_t container_fork(const struct container *container, int cgroup)
{
	_fd_ int home = open("/proc/thread-self/ns/pid", O_RDONLY | O_CLOEXEC);
	pid_t pid;

	/* setns(2) with CLONE_NEWPID applies to children, not to the calling process. */
	if (home < 0 || setns(container->init, CLONE_NEWPID))
		return -errno;
	pid = cgroup_fork(cgroup, 0);
	if (pid && setns(home, CLONE_NEWPID))
		abort();
	return pid;
}

int container_enter(const struct container *container)
{
	if (setns(container->init, CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWNET) ||
		unshare(CLONE_NEWCGROUP) || fchdir(container->root) || chroot("."))
		return -errno;
	return 0;
}
