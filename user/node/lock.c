// SPDX-License-Identifier: BSD-2-Clause
/*
 * A lock is a byte of a file, even beyond the file's end. A job's lock is the byte at a
 * hash of the job's name. So no file is made for a job, and none has to be removed.
 * Removing one would race with a process that waits for its lock.
 *
 * The locks belong to the process (F_SETLK, not F_OFD_SETLK), so no child has them. A
 * child that was cloned into a frozen cgroup would otherwise keep the lock of a killed
 * command until somebody thaws it. Such locks have a price: a process loses all its locks
 * on a file when it closes any descriptor of that file. So a process has one job's lock
 * at a time, and the node's lock is in a file of its own.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "lib/cleanup.h"
#include "lib/files.h"
#include "node/lock.h"
#include "node/paths.h"

#define JOBS_FILE  RUN_FOLDER "/lock"
#define NODE_FILE  RUN_FOLDER "/lock.node"
#define JOBS_FIRST 1
#define JOBS_COUNT (1LL << 32) /* number of hashes */
/*
 * Seconds. A command takes less, unless it is held up itself. A hook of OCI may take more.
 */
#define LOCK_PATIENCE 25

static volatile sig_atomic_t expired;

static void expire(int signal)
{
	(void)signal;
	expired = 1;
}

/*
 * SIGALRM interrupts the wait. It repeats, since the first one may come before fcntl(2)
 * waits. Returns 0, -ETIMEDOUT or -errno.
 */
static int wait_for(int fd, struct flock *lock, int seconds)
{
	const struct itimerspec limit = { .it_value = { .tv_sec = seconds },
		.it_interval = { .tv_nsec = 100000000 } };
	const struct sigaction ours = { .sa_handler = expire };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
	struct sigaction before;
	sigset_t alarm, mask;
	timer_t timer;
	int error = 0;

	if (timer_create(CLOCK_MONOTONIC, &event, &timer))
		return -errno;
	expired = 0;
	sigaction(SIGALRM, &ours, &before);
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &alarm, &mask);
	if (timer_settime(timer, 0, &limit, NULL))
		error = -errno;
	while (!error && fcntl(fd, F_SETLKW, lock))
		if (errno != EINTR)
			error = -errno;
		else if (expired)
			error = -ETIMEDOUT;
	timer_delete(timer);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	sigaction(SIGALRM, &before, NULL);
	return error;
}

/*
 * Notes which process has the lock. A number of 0 or less is a process that this one
 * can't name, such as one in another PID namespace.
 */
static int fail_busy(
	int fd, struct flock lock, int seconds, const char *what, struct failure *failure)
{
	if (fcntl(fd, F_GETLK, &lock) || lock.l_type == F_UNLCK)
		lock.l_pid = 0;
	if (lock.l_pid > 0)
		fail_as(failure, STATUS_FAILED,
			"process %d is at work on %s, and still was after %d s; see why, or end it",
			(int)lock.l_pid, what, seconds);
	else
		fail_as(failure, STATUS_FAILED,
			"another command is at work on %s, and still was after %d s; see: fuser -v " RUN_FOLDER
			"/lock*",
			what, seconds);
	return -ETIMEDOUT;
}

/* Waits for at most `seconds`. 0: returns -EAGAIN at once if the lock is taken. */
static int lock_bytes(const char *path, off_t start, off_t count, int seconds,
	const char *what, struct failure *failure)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = count
	};
	_fd_ int fd = -1;
	int error = folder_make(RUN_JOBS_FOLDER);

	if (error)
		return fail(
			failure, error, "cannot make %s (are you root?)", RUN_JOBS_FOLDER);
	error = paths_check(failure);
	if (error)
		return error;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail(failure, -errno, "cannot open %s (are you root?)", path);
	if (!fcntl(fd, F_SETLK, &lock))
		return TAKE_FD(fd);
	if (errno != EAGAIN && errno != EACCES)
		return fail(failure, -errno, "cannot lock %s", path);
	if (!seconds)
		return -EAGAIN;
	error = wait_for(fd, &lock, seconds);
	if (error == -ETIMEDOUT)
		return fail_busy(fd, lock, seconds, what, failure);
	return error ? fail(failure, error, "cannot lock %s", path) : TAKE_FD(fd);
}

int job_lock_within(const char *name, int seconds, struct failure *failure)
{
	uint32_t hash = 2166136261; /* FNV-1a */
	char what[JOB_NAME_MAX + 8];

	snprintf(what, sizeof(what), "job %s", name);
	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619;
	return lock_bytes(JOBS_FILE, JOBS_FIRST + (off_t)hash, 1, seconds, what, failure);
}

int job_lock(const char *name, struct failure *failure)
{
	return job_lock_within(name, LOCK_PATIENCE, failure);
}

int job_try_lock(const char *name, struct failure *failure)
{
	return job_lock_within(name, 0, failure);
}

int jobs_try_lock(struct failure *failure)
{
	return lock_bytes(JOBS_FILE, JOBS_FIRST, JOBS_COUNT, 0, "", failure);
}

int node_lock(struct failure *failure)
{
	return lock_bytes(
		NODE_FILE, 0, 1, LOCK_PATIENCE, "the programs of the node", failure);
}
