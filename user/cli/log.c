// SPDX-License-Identifier: BSD-2-Clause
/*
 * `jobfence log`: prints the request log of a job, or a log that was kept in a file.
 *
 * --follow ends when the job's folder goes. The log itself may be elsewhere, and stay. So
 * the follower watches proxy.log, which goes with the folder.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/log_line.h"
#include "cli/log_reader.h"
#include "cli/stop.h"
#include "lib/cleanup.h"
#include "lib/files.h"
#include "lib/json.h"

struct printing {
	const char *job; /* NULL: lines of any job */
	bool json, refused;
	unsigned long unreadable, foreign;
};

/* What a follower waits for. */
struct changes {
	int watches;
	int folder;  /* proxy.log, which goes with the job's folder */
	bool unread; /* nobody reads what is printed any more */
};

static int print_line(const char *text, size_t length, void *data)
{
	struct printing *printing = data;
	_json_ json_t *line = log_line_parse(text, length);

	if (!line) {
		printing->unreadable++;
		return 0;
	}
	if (printing->job && strcmp(printing->job, log_line_job(line))) {
		printing->foreign++;
		return 0;
	}
	if (printing->refused && !log_line_is_refusal(line))
		return 0;
	if (printing->json)
		return print_json(line);
	log_line_print(stdout, line);
	return ferror(stdout) ? -EIO : 0;
}

/* Says what was not printed, so that nobody takes the output for the whole log. */
static void print_remarks(const struct printing *printing, const struct log_reader *reader)
{
	unsigned long unreadable = printing->unreadable + reader->broken;

	if (unreadable)
		fprintf(stderr,
			"jobfence: not printed: %lu that are no lines of a request log\n",
			unreadable);
	if (printing->foreign)
		fprintf(stderr,
			"jobfence: not printed: %lu lines with the name of another job\n",
			printing->foreign);
	if (reader->lost)
		fputs("jobfence: lines were overwritten before they were read; to keep more: log_max in the "
		      "node's policy\n",
			stderr);
}

static int read_lines(struct log_reader *reader, struct printing *printing)
{
	int error = log_reader_read(reader, print_line, printing);

	if (!error && fflush(stdout))
		error = errno ? -errno : -EIO;
	return error;
}

/* Watches begin before the first line is read, so no change is missed. */
static int watch(struct changes *changes, const struct job *job, struct failure *failure)
{
	char path[PATH_SIZE];

	if (path_format(path, "%s/proxy.log", job->paths.run))
		return fail(failure, -ENAMETOOLONG, "job %s", job->spec.name);
	changes->folder = open(path, O_RDONLY | O_CLOEXEC);
	changes->watches = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (changes->folder < 0 || changes->watches < 0 ||
		inotify_add_watch(changes->watches, path, IN_ATTRIB) < 0 ||
		inotify_add_watch(changes->watches, job->log, IN_MODIFY) < 0)
		return fail(failure, -errno, "cannot watch the log %s", job->log);
	stop_on_signals();
	return 0;
}

static void changes_close(struct changes *changes)
{
	cleanup_fd(&changes->watches);
	cleanup_fd(&changes->folder);
}

/* As ppoll(2) without an end. No signal comes between a look at `stopped` and the wait. */
static int wait_unless_stopped(struct pollfd *fds, nfds_t count)
{
	sigset_t signals, before;
	int ready = 0, error;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, &before);
	if (!stopped)
		ready = ppoll(fds, count, NULL, &before);
	error = ready < 0 && errno != EINTR ? -errno : 0;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return error;
}

/*
 * Waits for a change, and forgets what it was. It also waits for the end of who reads what
 * is printed. Returns 0 or -errno.
 */
static int wait_for_change(struct changes *changes)
{
	struct pollfd fds[] = { { .fd = changes->watches, .events = POLLIN },
		{ .fd = STDOUT_FILENO } };
	int error = wait_unless_stopped(fds, ARRAY_SIZE(fds));
	char events[4096];

	if (error)
		return error;
	changes->unread = fds[1].revents != 0;
	while (read(changes->watches, events, sizeof(events)) > 0)
		;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

static bool has_ended(const struct changes *changes)
{
	struct stat state;

	return fstat(changes->folder, &state) || !state.st_nlink;
}

/* Reads once more after the end of the job, as its last lines come just before that. */
static int follow(
	struct changes *changes, struct log_reader *reader, struct printing *printing)
{
	int error = read_lines(reader, printing);
	bool ended = false;

	while (!error && !ended && !stopped) {
		error = wait_for_change(changes);
		ended = has_ended(changes);
		if (changes->unread)
			break;
		if (!error)
			error = read_lines(reader, printing);
	}
	if (!error || !stopped)
		return error;
	/* The signal ended a write that nobody took. The end would try it again. */
	__fpurge(stdout);
	return 0;
}

/* Says more than that there is no such job: what a caller may have meant. */
static int say_no_job(const char *word, struct failure *failure)
{
	if (file_exists(word))
		return fail_as(failure, STATUS_NO_JOB,
			"there is no job %s; to read the file: jobfence log ./%s", word,
			word);
	return fail_as(failure, STATUS_NO_JOB,
		"there is no job %s, and the log of a job goes with it; to keep one, see --log FILE, and log_path in the node's policy",
		word);
}

/* Finds the log of a job. A word with a slash is the path of a log that was kept. */
static int find_log(struct job *job, const char *word, struct failure *failure)
{
	int error;

	if (strchr(word, '/')) {
		/* The older half is beside the file, and not beside a link to it. */
		char real[PATH_MAX];
		const char *file = realpath(word, real) ? real : word;

		return path_format(job->log, "%s", file)
			       ? fail(failure, -ENAMETOOLONG, "log")
			       : 0;
	}
	error = job_read(job, word, failure);
	if (error == -ENOENT && failure->status == STATUS_NO_JOB &&
		!job_is_anywhere(&job->paths))
		return say_no_job(word, failure);
	if (!error && !job->log[0])
		return fail_as(failure, STATUS_FAILED,
			"job %s has no request log that can be read: it has no proxy, or --log or the "
			"policy says so",
			word);
	return error;
}

int log_command(struct options *options, int *status, struct failure *failure)
{
	_cleanup_(log_reader_close) struct log_reader reader = LOG_READER_CLOSED;
	_cleanup_(changes_close) struct changes changes = { -1, -1, false };
	_cleanup_(job_free) struct job job = {};
	struct printing printing = { .json = options->json, .refused = options->refused };
	int error;

	(void)status;
	if (options->count != 1)
		return fail_as(failure, STATUS_USAGE, "log needs the name of one job");
	error = find_log(&job, options->arguments[0], failure);
	if (error)
		return error;
	printing.job = job.spec.name[0] ? job.spec.name : NULL;
	if (options->follow && !printing.job)
		return fail_as(failure, STATUS_USAGE,
			"--follow needs the name of a job, at whose end it ends");
	if (options->follow)
		error = watch(&changes, &job, failure);
	if (!error)
		error = log_reader_open(&reader, job.log, failure);
	if (error)
		return error;
	error = options->follow ? follow(&changes, &reader, &printing)
				: read_lines(&reader, &printing);
	log_reader_end(&reader);
	print_remarks(&printing, &reader);
	return error ? fail(failure, error, "cannot print the log %s", job.log) : 0;
}
