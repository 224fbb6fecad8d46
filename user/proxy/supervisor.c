// SPDX-License-Identifier: BSD-2-Clause
/*
 * The supervisor does little but wait. It holds what the worker must not lose: the
 * listening sockets. While there is no worker, connections wait in their backlog, and the
 * job has no network.
 *
 * The supervisor passes on the request log, see log_sink.h. At the end of the job it lets
 * the worker write the lines of what is under way.
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
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/cleanup.h"
#include "jobfence/secrets.h"
#include "lib/clock.h"
#include "lib/locked.h"
#include "lib/moment.h"
#include "proxy/asked.h"
#include "proxy/log_sink.h"
#include "proxy/sandbox.h"
#include "proxy/supervisor.h"

#define BACKOFF_MIN	 100   /* ms */
#define BACKOFF_MAX	 5000  /* ms */
#define STEADY		 10000 /* ms after which a worker counts as sound */
#define LAST_LINES	 100   /* ms that a worker has for them when the job ends */
#define AUTHORITY	 "authority"
#define RENEWAL		 "renewal"
#define RENEWAL_PATIENCE 3600000L  /* ms, an hour */
#define RENEW_AFTER	 39600000L /* ms, 11 hours: less than half of CA_LIFETIME */

struct supervisor {
	/*
	 * What the workers are: this program, or FD_PROGRAM. Its path may be out of reach
	 * without privileges.
	 */
	int program;
	int signals; /* signalfd(2) of SIGCHLD and SIGTERM */
	sigset_t before;
	pid_t pid, worker;
	bool ending; /* the job's end is known */
	/* When to renew the authority of the job (CLOCK_BOOTTIME, ms). 0: never. */
	int64_t renewal;
	struct secret_file *secrets; /* NULL: the job has none */
	struct log_sink log;
};

static __attribute__((noreturn)) void become_worker(const struct supervisor *supervisor)
{
	char *const arguments[] = { (char *)"jobfence-proxy", (char *)"worker", NULL };
	const struct rlimit log = { PROXY_LOG_MAX, PROXY_LOG_MAX };

	sigprocmask(SIG_SETMASK, &supervisor->before, NULL);
	/* Check the parent after the signal is set. The supervisor may have gone before. */
	if (!prctl(PR_SET_PDEATHSIG, SIGKILL) && getppid() == supervisor->pid &&
		!setrlimit(RLIMIT_FSIZE, &log))
		fexecve(supervisor->program, arguments, environ);
	_exit(127);
}

static __attribute__((noreturn)) void become_authority(
	const struct supervisor *supervisor, const char *word)
{
	char *const arguments[] = { (char *)"jobfence-tls", (char *)word, NULL };

	if (!strcmp(word, RENEWAL))
		for (int fd = FD_TRUST_CA; fd <= FD_TRUST_POLICY; fd++)
			fcntl(fd, F_SETFD, 0);
	sigprocmask(SIG_SETMASK, &supervisor->before, NULL);
	fexecve(supervisor->program, arguments, environ);
	_exit(127);
}

/* Has a child do something for the authority of the job. Returns 0 or -errno. */
static int run_authority(const struct supervisor *supervisor, const char *word)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return -errno;
	if (!child)
		become_authority(supervisor, word);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return status ? -EPROTO : 0;
}

/* Maps the authority, so that its pages stay locked while there is no worker. */
static int hold_authority(void)
{
	const void *held = NULL;
	struct stat status;

	if (fstat(FD_AUTHORITY, &status))
		return -errno;
	return locked_map(FD_AUTHORITY, (size_t)status.st_size, false, &held);
}

/*
 * Has a child make the authority of the job, in a file in memory that all workers get. So
 * this process needs no memory for what makes it. Returns 0 or -errno.
 */
static int make_authority(struct supervisor *supervisor)
{
	_fd_ int file = memfd_create(AUTHORITY, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int error;

	if (file < 0 || dup2(file, FD_AUTHORITY) < 0)
		return -errno;
	for (int fd = FD_TRUST_CA; fd <= FD_TRUST_POLICY; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC))
			return -errno;
	error = run_authority(supervisor, AUTHORITY);
	if (!error)
		error = hold_authority();
	close(FD_CA);
	supervisor->renewal = clock_ms(CLOCK_BOOTTIME) + RENEW_AFTER;
	return error;
}

/* Renews what the job trusts. A failure is tried again an hour later. */
static void renew_authority(struct supervisor *supervisor)
{
	int error = run_authority(supervisor, RENEWAL);

	if (error)
		fprintf(stderr, "the authority is not renewed: %s\n", strerror(-error));
	supervisor->renewal =
		clock_ms(CLOCK_BOOTTIME) + (error ? RENEWAL_PATIENCE : RENEW_AFTER);
}

/* How long to wait before a look at the clock, in ms. No timeout counts a suspend. */
static int renewal_patience(const struct supervisor *supervisor)
{
	int64_t left = supervisor->renewal - clock_ms(CLOCK_BOOTTIME);

	if (!supervisor->renewal)
		return -1;
	if (left < 0)
		return 0;
	return (int)(left < RENEWAL_PATIENCE ? left : RENEWAL_PATIENCE);
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

/* The sooner of two times to wait. -1: for ever. */
static int sooner(int64_t one, int64_t other)
{
	return (int)(one < 0 || (other >= 0 && other < one) ? other : one);
}

/* Reads a signal of ours. Returns 0 if there is none. */
static int read_signal(const struct supervisor *supervisor)
{
	struct signalfd_siginfo signal;

	return read(supervisor->signals, &signal, sizeof(signal)) == sizeof(signal)
		       ? (int)signal.ssi_signo
		       : 0;
}

/*
 * Waits for a signal of ours, at most `patience` ms (-1: for ever). Returns the signal, or
 * 0. Passes on the request log meanwhile.
 *
 * A message from a later command may count as SIGTERM. So does the end of the job's last
 * process, if it is watched. If it is not, /dev/null is in its place, which never has
 * anything urgent.
 */
static int wait_for_signal(struct supervisor *supervisor, int patience)
{
	const int64_t end = clock_ms(CLOCK_MONOTONIC) + patience;
	struct pollfd fds[] = { { .fd = supervisor->signals, .events = POLLIN },
		{ .fd = supervisor->ending ? -1 : FD_EVENTS, .events = POLLPRI },
		{ .fd = supervisor->ending ? -1 : FD_ASKED, .events = POLLIN },
		{ .fd = -1 } };
	struct pollfd *log = &fds[3];
	int64_t left = patience;

	for (;;) {
		int wait = sooner(log_sink_prepare(&supervisor->log, log), left);
		int count = poll(fds, ARRAY_SIZE(fds), wait);

		if (count < 0 && errno != EINTR)
			return 0;
		if (count > 0) {
			log_sink_run(&supervisor->log, log);
			if (supervisor->log.ended)
				return 0;
			if ((fds[1].revents & POLLPRI && job_has_ended()) ||
				(fds[2].revents && asked_take(supervisor->secrets)))
				return SIGTERM;
			if (fds[0].revents & POLLIN)
				return read_signal(supervisor);
		}
		if (patience < 0)
			continue;
		left = end - clock_ms(CLOCK_MONOTONIC);
		if (left <= 0)
			return 0;
	}
}

/*
 * Waits until the worker is gone, or the supervisor is told to end. Returns whether to go
 * on.
 */
static bool wait_for_worker(struct supervisor *supervisor, int *status)
{
	for (;;) {
		int signal = wait_for_signal(supervisor, renewal_patience(supervisor));
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
		if (signal == SIGHUP || !renewal_patience(supervisor))
			renew_authority(supervisor);
	}
}

/*
 * Asks the worker for its last lines, and waits until it has written them or has ended.
 * Returns whether it has ended.
 */
static bool ask_worker_to_end(struct supervisor *supervisor)
{
	const int64_t end = clock_ms(CLOCK_MONOTONIC) + LAST_LINES;
	int64_t left = LAST_LINES;

	supervisor->ending = true;
	if (supervisor->log.pipe < 0 || kill(supervisor->worker, SIGTERM))
		return false;
	/* From now on only the worker holds it, and closes it after the last line. */
	close(FD_LOG);
	supervisor->log.rest = 0;
	while (left > 0 && !supervisor->log.ended) {
		pid_t ended;

		wait_for_signal(supervisor, (int)left);
		ended = waitpid(supervisor->worker, NULL, WNOHANG);
		if (ended == supervisor->worker || (ended < 0 && errno == ECHILD))
			return true;
		left = end - clock_ms(CLOCK_MONOTONIC);
	}
	return false;
}

/*
 * Ends the worker, if there is one. One that ended before may have left lines, too. Nothing
 * waits for its end, so that both end at the same time.
 */
static void end_worker(struct supervisor *supervisor)
{
	if (supervisor->worker > 0 && !ask_worker_to_end(supervisor))
		kill(supervisor->worker, SIGKILL);
	log_sink_end(&supervisor->log);
}

/* This process has no limit, unlike its worker. */
static bool proxy_log_has_room(void)
{
	struct stat status;

	return fstat(STDERR_FILENO, &status) || (uint64_t)status.st_size < PROXY_LOG_MAX;
}

/* Any socket of the proxy's cgroup will do. The listening one is always there. */
static void tell_end(int status, int backoff)
{
	char ending[ENDING_TEXT_MAX];

	ending_format(status, ending);
	if (proxy_log_has_room())
		fprintf(stderr, "worker ended: %s, next in %d ms\n", ending, backoff);
	if (setsockopt(FD_LISTENER4, SOL_JOBFENCE, WORKER_ENDED, &status, sizeof(status)) &&
		proxy_log_has_room())
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

/* The worker gets the end of the pipe to write to, and nothing else of the log. */
static int open_log(const struct proxy_settings *settings, struct log_sink *log)
{
	static const int own[] = { FD_LOG_PIPE, FD_LOG_FILE, FD_LOG_OLD };
	struct stat status;

	log->pipe = -1;
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (fcntl(own[i], F_SETFD, FD_CLOEXEC))
			return -errno;
	if (proxy_pipe_given(FD_LOG_PIPE))
		log_sink_open(log, settings->job, FD_LOG_PIPE, FD_LOG_FILE,
			!fstat(FD_LOG_OLD, &status) && S_ISREG(status.st_mode) ? FD_LOG_OLD
									       : -1,
			settings->log_max);
	return 0;
}

/*
 * Maps the secrets, so that their pages stay locked while there is no worker. From now on
 * no other process can write to them. Returns 0 or -errno.
 */
static int hold_secrets(struct supervisor *supervisor)
{
	struct stat status;
	int error;

	if (fstat(FD_SECRETS, &status) || !S_ISREG(status.st_mode))
		return 0;
	if (status.st_size != sizeof(*supervisor->secrets))
		return -EPROTO;
	error = locked_map(
		FD_SECRETS, sizeof(*supervisor->secrets), true, &supervisor->secrets);
	if (error)
		return error;
	return fcntl(FD_SECRETS, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) ? -errno
										 : 0;
}

int supervisor_run(const struct proxy_settings *settings)
{
	static struct supervisor supervisor;
	sigset_t signals;
	int error, status;

	supervisor.pid = getpid();
	supervisor.program = settings->intercept_count
				     ? fcntl(FD_PROGRAM, F_DUPFD_CLOEXEC, FD_END)
				     : open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (supervisor.program < 0) {
		perror("jobfence-proxy: cannot open its program");
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
	if (settings->intercept_count)
		sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, &supervisor.before);
	supervisor.signals = signalfd(-1, &signals, SFD_CLOEXEC);
	if (supervisor.signals < 0 || fcntl(FD_EVENTS, F_SETFD, FD_CLOEXEC) ||
		fcntl(FD_ASKED, F_SETFD, FD_CLOEXEC) ||
		open_log(settings, &supervisor.log)) {
		perror("jobfence-proxy: supervisor");
		return 1;
	}
	error = hold_secrets(&supervisor);
	if (error) {
		fprintf(stderr, "jobfence-proxy: cannot lock the secrets: %s\n",
			strerror(-error));
		return 1;
	}
	error = settings->intercept_count ? make_authority(&supervisor) : 0;
	if (error) {
		fprintf(stderr, "jobfence-proxy: no authority: %s\n", strerror(-error));
		return 1;
	}
	status = supervise(&supervisor);
	end_worker(&supervisor);
	return status;
}
