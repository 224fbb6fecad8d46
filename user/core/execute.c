// SPDX-License-Identifier: BSD-2-Clause
/*
 * The child begins in the job's cgroup, so there is no moment at which it could make a socket outside of
 * it. What it inherits ends before the command starts: every descriptor but the standard three, every right
 * that a job has not. Why it could not start, it says through a pipe that closes when it does.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "core/cgroup.h"
#include "core/condition.h"
#include "core/enter.h"
#include "core/execute.h"
#include "core/lock.h"
#include "core/separate.h"
#include "core/socket_filter.h"
#include "lib/cleanup.h"

static const int forwarded[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2,
	SIGWINCH, SIGALRM, SIGCONT };

struct trouble {
	int error;
	bool command; /* the command itself can't be run */
};

static __attribute__((noreturn)) void report(int pipe, int error, bool command)
{
	const struct trouble trouble = { .error = error, .command = command };
	ssize_t written = write(pipe, &trouble, sizeof(trouble));

	_exit(written == sizeof(trouble) ? EXIT_BEFORE : EXIT_NOT_RUN);
}

static int set_variables(void)
{
	for (const struct variable *v = job_proxy_variables(); v->name; v++)
		if (setenv(v->name, v->value, 1))
			return -errno;
	return 0;
}

static __attribute__((noreturn)) void become_command(const struct job *job,
	const struct execution *execution, int netns, int pipe, const sigset_t *mask)
{
	int error = job_enter(job, netns);

	if (!error && execution->proxy_variables && job->proxy_pid)
		error = set_variables();
	if (!error)
		error = user_become(&execution->user);
	if (!error)
		error = command_separate();
	if (!error)
		error = job->spec.network == NETWORK_FULL ? 0 : socket_filter_install();
	/* A change of user clears it: so it is set last. */
	if (!error && prctl(PR_SET_PDEATHSIG, SIGKILL))
		error = -errno;
	if (!error && close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC))
		error = -errno;
	if (error)
		report(pipe, error, false);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(execution->arguments[0], execution->arguments);
	report(pipe, -errno, true);
}

/* A signal that the terminal sent has reached the command as well: it is in the same foreground group. */
static void forward(pid_t pid, const siginfo_t *signal)
{
	if (signal->si_code != SI_KERNEL)
		kill(pid, signal->si_signo);
}

static int wait_for(pid_t pid, const sigset_t *signals)
{
	siginfo_t signal;
	int status;

	for (;;) {
		pid_t ended = waitpid(pid, &status, WNOHANG);

		if (ended == pid)
			return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
						   : WEXITSTATUS(status);
		if (ended < 0 && errno != EINTR)
			return EXIT_BEFORE;
		if (sigwaitinfo(signals, &signal) > 0 && signal.si_signo != SIGCHLD)
			forward(pid, &signal);
	}
}

/* What the child says before it becomes the command; nothing, if it did. */
static void read_trouble(
	int pipe, const struct execution *execution, int *status, struct failure *failure)
{
	struct trouble trouble;
	ssize_t length;

	do
		length = read(pipe, &trouble, sizeof(trouble));
	while (length < 0 && errno == EINTR);
	if (length != sizeof(trouble))
		return;
	if (!trouble.command) {
		*status = EXIT_BEFORE;
		fail(failure, trouble.error, "cannot enter the job");
		return;
	}
	*status = trouble.error == -ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUN;
	fail(failure, trouble.error, "cannot run %.200s", execution->arguments[0]);
}

/* A socket made outside is outside the fence, connected or not: it can be connected anew. The standard three are all that
 * a command inherits. */
static int check_inherited(const struct job *job, struct failure *failure)
{
	static const char *const names[] = { "input", "output", "error" };

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		socklen_t length = sizeof(int);
		int family;

		if (job->spec.network != NETWORK_FULL &&
			!getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length) &&
			family != AF_UNIX)
			return fail_as(failure, STATUS_FAILED,
				"standard %s is a network socket, which would lead the command around its "
				"fence; give it a pipe",
				names[fd]);
	}
	return 0;
}

static int check_landlock(const struct job *job, struct failure *failure)
{
	if (job->spec.network == NETWORK_FULL || landlock_is_there())
		return 0;
	return fail_as(failure, STATUS_FAILED,
		"this kernel has no Landlock, without which a command could trace others of its user "
		"outside of the fence; start it with: lsm=landlock,...");
}

/* The cgroup that the job's fence is on, which another one may have the path of by now. */
static int open_fenced(const struct job *job, struct failure *failure)
{
	_fd_ int cgroup = cgroup_open(job->cgroup);
	uint64_t id = 0;
	int error = job_check_fence(job, failure);

	if (error)
		return error;
	error = cgroup < 0 ? cgroup : cgroup_id(cgroup, &id);
	if (!error && id != job->id)
		error = -ESTALE;
	return error ? fail(failure, error, "cannot open cgroup %s", job->cgroup)
		     : TAKE_FD(cgroup);
}

int job_execute(const struct job *job, int lock, const struct execution *execution,
	int *status, struct failure *failure)
{
	_fd_ int held = lock, cgroup = open_fenced(job, failure), read_end = -1,
		 write_end = -1, netns = -1;
	sigset_t signals, before;
	int pair[2], error = cgroup < 0 ? cgroup : check_inherited(job, failure);
	pid_t pid;

	if (!error)
		error = check_landlock(job, failure);
	if (error)
		return error;
	netns = job_open_netns(job, failure);
	if (netns < 0)
		return netns;
	if (pipe2(pair, O_CLOEXEC))
		return fail(failure, -errno, "cannot start the command");
	read_end = pair[0];
	write_end = pair[1];
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	for (size_t i = 0; i < ARRAY_SIZE(forwarded); i++)
		sigaddset(&signals, forwarded[i]);
	sigprocmask(SIG_BLOCK, &signals, &before);
	pid = cgroup_fork(cgroup);
	if (pid < 0)
		return fail(
			failure, pid, "cannot start the command in cgroup %s", job->cgroup);
	if (!pid)
		become_command(job, execution, netns, write_end, &before);
	close(TAKE_FD(write_end));
	job_unlock(TAKE_FD(held));
	*status = wait_for(pid, &signals);
	read_trouble(read_end, execution, status, failure);
	return 0;
}
