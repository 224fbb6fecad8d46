// SPDX-License-Identifier: BSD-2-Clause
/*
 * The supervisor does nothing but wait. It holds what the worker must not lose: the
 * listening sockets. While there is no worker, connections wait in their backlog, and the
 * job has no network.
 *
 * The supervisor tells the programs in the kernel of each end of a worker. They write it to
 * the events of the node.
 *
 * The worker is this program again, executed rather than forked. So it shares no memory
 * with the supervisor that it could learn from, and its addresses are random anew.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/moment.h"
#include "proxy/sandbox.h"
#include "proxy/supervisor.h"

#define BACKOFF_MIN 100	  /* ms */
#define BACKOFF_MAX 5000  /* ms */
#define STEADY	    10000 /* ms after which a worker counts as sound */

struct supervisor {
	int program; /* of this program. Its path may be out of reach without privileges */
	int signals; /* signalfd(2) of SIGCHLD and SIGTERM */
	sigset_t before;
	pid_t pid, worker;
};

static __attribute__((noreturn)) void become_worker(const struct supervisor *supervisor)
{
	char *const arguments[] = { (char *)"jobfence-proxy", (char *)"worker", NULL };

	sigprocmask(SIG_SETMASK, &supervisor->before, NULL);
	/* Check the parent after the signal is set. The supervisor may have gone before. */
	if (!prctl(PR_SET_PDEATHSIG, SIGKILL) && getppid() == supervisor->pid)
		fexecve(supervisor->program, arguments, environ);
	_exit(127);
}

static int start_worker(struct supervisor *supervisor)
{
	supervisor->worker = fork();
	if (supervisor->worker < 0)
		return -errno;
	if (!supervisor->worker)
		become_worker(supervisor);
	return 0;
}

/*
 * Whether the last process of the job's cgroup has ended. If the cgroup is gone, its file
 * is gone, too.
 */
static bool job_has_ended(void)
{
	char text[128];
	ssize_t length = pread(FD_EVENTS, text, sizeof(text) - 1, 0);

	if (length < 0)
		return errno == ENODEV;
	text[length] = '\0';
	return strstr(text, "populated 0");
}

/*
 * Waits for a signal of ours, at most `patience` ms (-1: for ever). Returns the signal, or
 * 0.
 *
 * The end of the job's last process counts as SIGTERM, if it is watched. If it is not,
 * /dev/null is in its place, which never has anything urgent.
 */
static int wait_for_signal(const struct supervisor *supervisor, int patience)
{
	struct pollfd fds[] = { { .fd = supervisor->signals, .events = POLLIN },
		{ .fd = FD_EVENTS, .events = POLLPRI } };
	struct signalfd_siginfo signal;
	int count;

	do
		count = poll(fds, ARRAY_SIZE(fds), patience);
	while (count < 0 && errno == EINTR);
	if (fds[1].revents & POLLPRI && job_has_ended())
		return SIGTERM;
	if (!(fds[0].revents & POLLIN) ||
		read(supervisor->signals, &signal, sizeof(signal)) != sizeof(signal))
		return 0;
	return (int)signal.ssi_signo;
}

/*
 * Waits until the worker is gone, or the supervisor is told to end. Returns whether to go
 * on.
 */
static bool wait_for_worker(struct supervisor *supervisor, int *status)
{
	for (;;) {
		int signal = wait_for_signal(supervisor, -1);
		pid_t ended = waitpid(supervisor->worker, status, WNOHANG);

		/*
		 * ECHILD means that another process has reaped the worker. It is gone as
		 * well.
		 */
		if (ended == supervisor->worker || (ended < 0 && errno == ECHILD)) {
			if (ended < 0)
				*status = 0;
			supervisor->worker = 0;
			return signal != SIGTERM;
		}
		if (signal == SIGTERM)
			return false;
	}
}

static void end_worker(struct supervisor *supervisor)
{
	if (supervisor->worker <= 0)
		return;
	kill(supervisor->worker, SIGKILL);
	while (waitpid(supervisor->worker, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Any socket of the proxy's cgroup will do. The listening one is always there. */
static void tell_end(int status, int backoff)
{
	char ending[ENDING_TEXT_MAX];

	ending_format(status, ending);
	fprintf(stderr, "worker ended: %s, next in %d ms\n", ending, backoff);
	if (setsockopt(FD_LISTENER4, SOL_JOBFENCE, WORKER_ENDED, &status, sizeof(status)))
		perror("cannot tell the events");
}

/* Returns the exit status of the program. */
static int supervise(struct supervisor *supervisor)
{
	int backoff = BACKOFF_MIN, status = 0;
	bool first = true;

	for (;;) {
		int64_t started = clock_ms(CLOCK_MONOTONIC);

		if (start_worker(supervisor))
			return 1;
		/*
		 * From now on only the worker holds it. If the worker ends before it is
		 * ready, the loader sees that.
		 */
		if (first)
			close(FD_READY);
		first = false;
		if (!wait_for_worker(supervisor, &status))
			return 0;
		if (clock_ms(CLOCK_MONOTONIC) - started >= STEADY)
			backoff = BACKOFF_MIN;
		tell_end(status, backoff);
		if (wait_for_signal(supervisor, backoff) == SIGTERM)
			return 0;
		backoff = backoff * 2 < BACKOFF_MAX ? backoff * 2 : BACKOFF_MAX;
	}
}

int supervisor_run(const struct proxy_settings *settings)
{
	struct supervisor supervisor = { .pid = getpid(),
		.program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC) };
	sigset_t signals;
	int error, status;

	if (supervisor.program < 0) {
		perror("jobfence-proxy: /proc/self/exe");
		return 1;
	}
	error = sandbox_drop_privileges(settings);
	if (error) {
		fprintf(stderr, "jobfence-proxy: cannot drop privileges: %s\n",
			strerror(-error));
		return 1;
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, &supervisor.before);
	supervisor.signals = signalfd(-1, &signals, SFD_CLOEXEC);
	if (supervisor.signals < 0 || fcntl(FD_EVENTS, F_SETFD, FD_CLOEXEC)) {
		perror("jobfence-proxy: supervisor");
		return 1;
	}
	status = supervise(&supervisor);
	end_worker(&supervisor);
	return status;
}
