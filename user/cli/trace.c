// SPDX-License-Identifier: BSD-2-Clause
/* See trace.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/trace.h"
#include "jobfence/proxy.h"
#include "job/job.h"
#include "lib/cleanup.h"
#include "lib/printable.h"

/* An update has emptied the log, if it is shorter than what was read. */
static int begin_anew(FILE *log, const struct stat *state)
{
	long at = ftell(log);

	clearerr(log);
	return at > state->st_size ? fseek(log, 0, SEEK_SET) : 0;
}

static int print_lines(FILE *to, FILE *log)
{
	_free_ char *line = NULL;
	size_t size = 0;
	ssize_t length;

	while ((length = getline(&line, &size, log)) > 0) {
		line[strcspn(line, "\n")] = '\0';
		make_printable(line);
		fprintf(to, "%s\n", line);
	}
	return fflush(to) ? -errno : 0;
}

/* Returns 0 when the job, and its log, have gone. */
static int follow(FILE *to, FILE *log, int changes, const volatile sig_atomic_t *stopped)
{
	char event[sizeof(struct inotify_event) + 256];
	struct stat state;
	int error = 0;

	while (!error && !*stopped) {
		if (read(changes, event, sizeof(event)) < 0)
			return errno == EINTR ? 0 : -errno;
		if (fstat(fileno(log), &state))
			return -errno;
		if (begin_anew(log, &state))
			return -errno;
		error = print_lines(to, log);
		if (!state.st_nlink)
			return error;
	}
	return error;
}

int trace_print(FILE *to, const char *name, const volatile sig_atomic_t *stopped,
	struct failure *failure)
{
	_cleanup_(job_free) struct job job = {};
	_cleanup_(cleanup_file) FILE *log = NULL;
	_fd_ int changes = -1;
	char path[PATH_SIZE];
	int error = job_read(&job, name, failure);

	if (error)
		return error;
	if (!path_format(path, "%s/proxy.log", job.paths.run))
		log = fopen(path, "re");
	if (!log)
		return fail(failure, -errno, "job %s has no log of a proxy", name);
	if (stopped) {
		changes = inotify_init1(IN_CLOEXEC);
		if (changes < 0 ||
			inotify_add_watch(changes, path, IN_MODIFY | IN_ATTRIB) < 0)
			return fail(failure, -errno, "cannot watch %s", path);
	}
	error = print_lines(to, log);
	if (!error && ftell(log) >= (long)PROXY_LOG_MAX)
		fprintf(stderr,
			"jobfence: the log is full, and the trace stopped; begin it anew: jobfence update "
			"%s --trace on\n",
			name);
	if (!error && stopped)
		error = follow(to, log, changes, stopped);
	return error ? fail(failure, error, "cannot print %s", path) : 0;
}
