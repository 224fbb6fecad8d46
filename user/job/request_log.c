// SPDX-License-Identifier: BSD-2-Clause
/* See request_log.h. */

#include <fcntl.h>

#include "job/request_log.h"
#include "lib/cleanup.h"

#define PIPE_BYTES (256 * 1024) /* what the proxy may write in 10 ms */

/* Opens a file in the job's state folder. Returns it or -errno. */
static int open_file(const struct job *job, const char *name, int flags)
{
	char path[PATH_SIZE];
	int fd, error = path_format(path, "%s/%s", job->paths.run, name);

	if (error)
		return error;
	fd = open(
		path, O_RDWR | O_CREAT | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
	return fd < 0 ? -errno : fd;
}

int request_log_open(const struct job *job, struct request_log *log)
{
	int ends[2];

	log->file = open_file(job, "requests.log", O_APPEND);
	if (log->file < 0)
		return log->file;
	log->old = open_file(job, "requests.log.1", 0);
	if (log->old < 0)
		return log->old;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return -errno;
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
