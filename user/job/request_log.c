// SPDX-License-Identifier: BSD-2-Clause
/* See request_log.h. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "job/request_log.h"
#include "lib/cleanup.h"
#include "lib/printable.h"
#include "node/appended.h"

#define CALLER	   "-"
#define LOG_START  "{\"version\":1,\"time\":\"" /* of the first line of a log */
#define PIPE_BYTES (256 * 1024)			/* what the proxy may write in 10 ms */

/* The record of the job and `show` have the path, as JSON. */
static int check_text(const char *path, struct failure *failure)
{
	char text[PATH_SIZE];

	snprintf(text, sizeof(text), "%s", path);
	make_printable(text);
	return strcmp(text, path)
		       ? fail_as(failure, STATUS_USAGE,
				 "the path of the log has characters that can't be shown")
		       : 0;
}

static int choose_path(
	char path[PATH_SIZE], const struct job_spec *spec, const struct policy *policy)
{
	if (spec->log == LOG_CALLER)
		return path_format(path, CALLER);
	if (spec->log == LOG_FILE)
		return path_absolute(path, spec->log_file);
	return policy->log_folder[0]
		       ? path_format(path, "%s/%s.log", policy->log_folder, spec->name)
		       : path_format(path, RUN_JOBS_FOLDER "/%s/requests.log", spec->name);
}

/*
 * Without a proxy there are no requests. A log by default is just not there. Who names a
 * place for one waits for it in vain.
 */
static int choose_none(const struct job_spec *spec, struct failure *failure)
{
	int error;

	if (spec->log != LOG_FILE && spec->log != LOG_CALLER)
		return 0;
	error = fail_as(failure, STATUS_USAGE,
		"--log needs network http, since a job with network %s has no proxy that could log; declare domains, or leave out --log",
		network_name(spec->network));
	failure_about(failure, "--log", spec->log == LOG_FILE ? spec->log_file : CALLER);
	return error;
}

int request_log_choose(struct job *job, const struct job_spec *spec,
	const struct policy *policy, struct failure *failure)
{
	bool wanted = spec->log == LOG_UNSET ? policy->log : spec->log != LOG_NONE;
	int error;

	job->log[0] = '\0';
	job->log_max = policy->log_max;
	job->log_paths = policy->log_paths;
	if (!wanted)
		return 0;
	if (spec->network != NETWORK_HTTP)
		return choose_none(spec, failure);
	error = choose_path(job->log, spec, policy);
	return error ? fail(failure, error, "log of job %s", spec->name)
		     : check_text(job->log, failure);
}

/*
 * Opens standard error. A pipe or terminal is opened anew, so that the proxy's writes do
 * not wait, and those of others do. A regular file is not, since all writers share one
 * place in it.
 */
static int open_caller(struct failure *failure)
{
	struct stat state;
	int fd;

	if (fstat(STDERR_FILENO, &state))
		return fail(failure, -errno, "cannot log to standard error");
	if (S_ISSOCK(state.st_mode))
		return fail_as(failure, STATUS_FAILED,
			"standard error is a socket, on which the proxy could wait; name a file: --log FILE");
	fd = S_ISREG(state.st_mode)
		     ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)
		     : open("/proc/self/fd/2",
			       O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? fail(failure, -errno, "cannot log to standard error") : fd;
}

/*
 * The proxy empties the file when it is full, and a job's author may choose its name. So a
 * file that is there has to be ours: /var/log has an auth.log of the node.
 */
static int check_start(int fd, const char *path, struct failure *failure)
{
	char start[sizeof(LOG_START) - 1];
	ssize_t length = pread(fd, start, sizeof(start), 0);

	if (length < 0)
		return fail(failure, -errno, "cannot read the log %s", path);
	if (!length ||
		(length == sizeof(start) && !memcmp(start, LOG_START, sizeof(start))))
		return 0;
	return fail_as(failure, STATUS_FAILED,
		"%s is there and is no request log; choose another file, or move it away",
		path);
}

/*
 * Two proxies must not write to one file, since each would overwrite what the other
 * wrote. The proxy has the lock as long as it lives.
 */
static int lock_file(int fd, const char *path, struct failure *failure)
{
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return check_start(fd, path, failure);
	return errno == EWOULDBLOCK
		       ? fail_as(failure, STATUS_FAILED,
				 "%s is the log of another job; choose another file", path)
		       : fail(failure, -errno, "cannot lock the log %s", path);
}

static int open_files(
	const struct job *job, struct request_log *log, struct failure *failure)
{
	char old[PATH_SIZE];
	bool regular;
	int error;

	log->file = appended_open(job->log, &regular, failure);
	if (log->file < 0)
		return log->file;
	if (!regular)
		return 0;
	error = lock_file(log->file, job->log, failure);
	if (error)
		return error;
	if (path_format(old, "%s.1", job->log))
		return fail(failure, -ENAMETOOLONG, "log %s", job->log);
	log->old = appended_open(old, &regular, failure);
	if (log->old < 0)
		return log->old;
	if (!regular)
		return fail_as(failure, STATUS_FAILED,
			"%s is no regular file; remove it, or choose another log", old);
	/* It may be the log of another job as well. */
	return lock_file(log->old, old, failure);
}

int request_log_open(
	const struct job *job, struct request_log *log, struct failure *failure)
{
	int ends[2], error = 0;

	if (!job->log[0])
		return 0;
	if (strcmp(job->log, CALLER))
		error = open_files(job, log, failure);
	else
		log->file = open_caller(failure);
	if (error || log->file < 0)
		return error ? error : log->file;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return fail(failure, -errno, "cannot make a pipe for the log");
	log->pipe[0] = ends[0];
	log->pipe[1] = ends[1];
	/* A smaller pipe only loses lines sooner. */
	fcntl(log->pipe[0], F_SETPIPE_SZ, PIPE_BYTES);
	return 0;
}

void request_log_close(struct request_log *log)
{
	cleanup_fd(&log->pipe[0]);
	cleanup_fd(&log->pipe[1]);
	cleanup_fd(&log->file);
	cleanup_fd(&log->old);
}

void request_log_forget(struct job *job)
{
	if (!strcmp(job->log, CALLER))
		job->log[0] = '\0';
}
