// SPDX-License-Identifier: BSD-2-Clause
/*
 * Runs a command in a job.
 *
 * The child begins in the job's cgroup and PID namespace. So at no moment could it make a
 * socket outside the fence. Before the command starts, the child closes all descriptors
 * except the standard three. It also drops every right that a job must not have. A pipe
 * carries the reason why a command did not start. The pipe closes when the command
 * starts.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "command/command_filter.h"
#include "command/container.h"
#include "command/execute.h"
#include "command/runtime_folder.h"
#include "command/standard.h"
#include "command/terminal.h"
#include "job/health.h"
#include "job/trust.h"
#include "job/variables.h"
#include "lib/cleanup.h"
#include "lib/inherited.h"
#include "lib/umask.h"
#include "node/cgroup.h"

/*
 * Signals that jobfence does not wait for. They can't be caught, or concern jobfence
 * itself.
 */
static const int not_awaited[] = { SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL,
	SIGTRAP, SIGABRT, SIGSYS, SIGTTOU, SIGTTIN, SIGPIPE };

/* The caller's signal settings. The command gets them back. */
struct signals {
	sigset_t awaited, mask;
	struct sigaction terminal, pipe;
};

/* The child's step at its failure. */
enum stage {
	STAGE_ENTER,   /* entering the job */
	STAGE_FOLDER,  /* changing to its working directory, in the job's view */
	STAGE_COMMAND, /* becoming the command */
};

struct trouble {
	int error;
	enum stage stage;
};

static void signals_set(struct signals *signals)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigfillset(&signals->awaited);
	for (size_t i = 0; i < ARRAY_SIZE(not_awaited); i++)
		sigdelset(&signals->awaited, not_awaited[i]);
	sigprocmask(SIG_SETMASK, &signals->awaited, &signals->mask);
	sigaction(SIGTTOU, &ignore, &signals->terminal);
	sigaction(SIGPIPE, &ignore, &signals->pipe);
}

static void signals_restore(const struct signals *signals)
{
	inherited_give();
	sigaction(SIGTTOU, &signals->terminal, NULL);
	sigaction(SIGPIPE, &signals->pipe, NULL);
	sigprocmask(SIG_SETMASK, &signals->mask, NULL);
}

static __attribute__((noreturn)) void report(int pipe, int error, enum stage stage)
{
	const struct trouble trouble = { .error = error, .stage = stage };
	ssize_t written = write(pipe, &trouble, sizeof(trouble));

	_exit(written == sizeof(trouble) ? EXIT_BEFORE : EXIT_NOT_RUN);
}

static int set_proxy_variables(void)
{
	for (const struct variable *v = proxy_variables(); v->name; v++)
		if (setenv(v->name, v->value, 1))
			return -errno;
	return 0;
}

/*
 * What the caller or the user of the job set stays: it may lead to other roots on purpose.
 */
static int set_trust_variables(void)
{
	for (const struct variable *v = trust_variables(); v->name; v++)
		if (setenv(v->name, v->value, 0))
			return -errno;
	return 0;
}

/* Everything that a child needs. It is gathered before the fork. */
struct start {
	const struct job *job;
	const struct execution *execution;
	const struct container *container;
	const struct signals *signals;
	const struct terminal *terminal;
	char folder[PATH_MAX]; /* the working directory */
	bool foreground;
	int pipe;
};

static int enter(const struct start *start, enum stage *stage)
{
	const struct user *user = &start->execution->user;
	_cleanup_(runtime_folder_close) struct runtime_folder folder;
	int error;

	runtime_folder_open(&folder, user->uid, user->gid);
	error = container_enter(start->container);
	if (!error)
		error = runtime_folder_make(&folder);
	/* Use the path, since the job's view may cover the folder itself. */
	if (!error && chdir(start->folder)) {
		*stage = STAGE_FOLDER;
		return -errno;
	}
	/* ENOSYS: a kernel without keys has no keyring that could be shared. */
	if (!error && syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 &&
		errno != ENOSYS)
		error = -errno;
	return error;
}

/*
 * Closes all descriptors except the standard ones and the pipe. The pipe moves to the
 * number after the standard ones.
 */
static int drop_descriptors(int *pipe)
{
	const int place = STDERR_FILENO + 1;

	if (*pipe != place && dup3(*pipe, place, O_CLOEXEC) < 0)
		return -errno;
	*pipe = place;
	return close_range((unsigned)place + 1, ~0U, 0) ? -errno : 0;
}

/*
 * Other processes of the job see this process. They may trace it once it has no more
 * rights than they have. A tracer could take its descriptors, such as that of the cgroup,
 * or act through it without a filter. So descriptors are closed and the filter is
 * installed first, and the process is made untraceable. execve(2) makes it traceable
 * again.
 */
static int give_up_rights(struct start *start)
{
	const struct execution *execution = start->execution;
	int error = drop_descriptors(&start->pipe);

	if (!error)
		error = command_filter_install(start->job->spec.network != NETWORK_FULL);
	if (!error && prctl(PR_SET_DUMPABLE, 0))
		error = -errno;
	if (!error)
		error = user_become(&execution->user);
	/* Set this last, since a change of user clears it. */
	return !error && prctl(PR_SET_PDEATHSIG, SIGKILL) ? -errno : error;
}

static __attribute__((noreturn)) void become_command(struct start *start)
{
	const struct job *job = start->job;
	const struct execution *execution = start->execution;
	enum stage stage = STAGE_ENTER;
	int error = setpgid(0, 0) ? -errno : enter(start, &stage);

	if (!error && execution->proxy_variables && job->proxy_pid)
		error = set_proxy_variables();
	if (!error && job->spec.intercept.count)
		error = set_trust_variables();
	if (!error)
		error = user_set_variables(&execution->user);
	if (!error && start->foreground)
		terminal_claim(start->terminal);
	if (!error)
		error = give_up_rights(start);
	if (error)
		report(start->pipe, error, stage);
	umask(umask_of_caller());
	signals_restore(start->signals);
	execvp(execution->arguments[0], execution->arguments);
	report(start->pipe, -errno, STAGE_COMMAND);
}

/*
 * The terminal sends a signal to a whole group. The command is not in the caller's group,
 * so such a signal is forwarded to the command's group.
 */
static void forward(pid_t pid, const siginfo_t *signal)
{
	kill(signal->si_code == SI_KERNEL ? -pid : pid, signal->si_signo);
}

static void handle(struct terminal *terminal, pid_t pid, const siginfo_t *signal)
{
	if (signal->si_signo == SIGCONT)
		terminal_continue(terminal, pid);
	else if (signal->si_signo != SIGCHLD)
		forward(pid, signal);
}

/* Returns the status as waitpid(2) does, or -errno. */
static int wait_for(pid_t pid, const struct signals *signals, struct terminal *terminal)
{
	siginfo_t signal;
	int status;

	for (;;) {
		pid_t changed = waitpid(pid, &status, WNOHANG | WUNTRACED);

		if (changed == pid && WIFSTOPPED(status))
			terminal_stopped(terminal, pid, WSTOPSIG(status));
		else if (changed == pid)
			return status;
		else if (changed < 0 && errno != EINTR)
			return -errno;
		else if (sigwaitinfo(&signals->awaited, &signal) > 0)
			handle(terminal, pid, &signal);
	}
}

/*
 * Returns the exit status of a command that has ended. The terminal sends ^C only to the
 * foreground group. If ^C ended the command in the foreground, the caller's group gets
 * the signal as well. The caller may be a script.
 */
static int end(int status, struct terminal *terminal)
{
	bool lent = terminal_take_back(terminal);

	if (status < 0)
		return EXIT_BEFORE;
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	if (lent && (WTERMSIG(status) == SIGINT || WTERMSIG(status) == SIGQUIT))
		kill(0, WTERMSIG(status));
	return 128 + WTERMSIG(status);
}

/*
 * Reads the child's report if the child could not become the command. Otherwise the pipe
 * is empty.
 */
static void read_trouble(
	int pipe, const struct start *start, int *status, struct failure *failure)
{
	struct trouble trouble;
	ssize_t length;

	do
		length = read(pipe, &trouble, sizeof(trouble));
	while (length < 0 && errno == EINTR);
	if (length != sizeof(trouble))
		return;
	*status = EXIT_BEFORE;
	if (trouble.stage == STAGE_ENTER) {
		fail(failure, trouble.error, "cannot enter the job");
		return;
	}
	if (trouble.stage == STAGE_FOLDER) {
		fail(failure, trouble.error,
			"the job can't enter the working directory %.200s; change to another, or "
			"see --share",
			start->folder);
		return;
	}
	*status = trouble.error == -ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUN;
	fail(failure, trouble.error, "cannot run %.200s", start->execution->arguments[0]);
}

/*
 * Opens the cgroup that the job's fence is attached to. Another cgroup may have its path
 * by now.
 */
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

/* Starts the command. Returns its process number, or -errno. */
static pid_t start_command(
	struct start *start, int cgroup, int *read_end, struct failure *failure)
{
	int pair[2];
	pid_t pid;

	if (!getcwd(start->folder, sizeof(start->folder)))
		return fail(failure, -errno, "cannot tell the working directory");
	if (pipe2(pair, O_CLOEXEC))
		return fail(failure, -errno, "cannot start the command");
	start->pipe = pair[1];
	pid = container_fork(start->container, cgroup);
	if (!pid)
		become_command(start);
	close(pair[1]);
	*read_end = pair[0];
	if (pid < 0)
		return fail(failure, pid, "cannot start the command in cgroup %s",
			start->job->cgroup);
	return pid;
}

int job_execute(const struct job *job, int lock, const struct execution *execution,
	int *status, struct failure *failure)
{
	_cleanup_(container_close) struct container container = CONTAINER_NONE;
	_cleanup_(terminal_close) struct terminal terminal = { .fd = -1 };
	_fd_ int held = lock, cgroup = open_fenced(job, failure), read_end = -1;
	struct signals signals;
	struct start start = { .job = job,
		.execution = execution,
		.container = &container,
		.signals = &signals,
		.terminal = &terminal };
	int error = cgroup < 0 ? cgroup : standard_descriptors_check(job, failure);
	pid_t pid;

	if (!error)
		error = container_open(job, execution->alone, &container, failure);
	if (error)
		return error;
	terminal_open(&terminal);
	start.foreground = terminal_is_for_command(&terminal);
	terminal.lent = start.foreground;
	signals_set(&signals);
	pid = start_command(&start, cgroup, &read_end, failure);
	if (pid < 0)
		return pid;
	if (held >= 0)
		close(TAKE_FD(held));
	*status = end(wait_for(pid, &signals, &terminal), &terminal);
	read_trouble(read_end, &start, status, failure);
	return 0;
}
