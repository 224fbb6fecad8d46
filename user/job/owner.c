// SPDX-License-Identifier: BSD-2-Clause
/* See owner.h. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>

#include "job/owner.h"
#include "lib/cleanup.h"
#include "node/process.h"

static uint64_t pid_namespace(void)
{
	struct stat status;

	return stat("/proc/self/ns/pid", &status) ? 0 : status.st_ino;
}

/* Reads when a process began. A zombie has gone. Returns as process_stat() does. */
static int read_start(pid_t pid, uint64_t *start)
{
	char state = '\0';
	int error = process_stat(pid, &state, start);

	return !error && (state == 'Z' || state == 'X') ? -ESRCH : error;
}

int job_note_owner(struct job *job, struct failure *failure)
{
	pid_t pid = job->spec.owner;
	_fd_ int process = -1;
	char shown[16];
	int error;

	if (!pid)
		return 0;
	process = pidfd_open(pid, 0);
	error = process < 0 ? -errno : read_start(pid, &job->owner_start);
	/* As long as the process runs, its number is no other's. */
	if (!error && pidfd_send_signal(process, 0, NULL, 0))
		error = -errno;
	job->owner = pid;
	job->owner_namespace = pid_namespace();
	if (!error)
		return 0;
	error = fail(failure, error, "the owner of job %s is process %d", job->spec.name,
		(int)pid);
	snprintf(shown, sizeof(shown), "%d", (int)pid);
	failure_about(failure, "--owner-pid", shown);
	return error;
}

enum ownership job_ownership(const struct job *job)
{
	uint64_t start = 0;
	int error;

	if (!job->owner)
		return OWNER_NONE;
	if (pid_namespace() != job->owner_namespace)
		return OWNER_UNKNOWN;
	error = read_start(job->owner, &start);
	if (!error)
		return start == job->owner_start ? OWNER_ALIVE : OWNER_GONE;
	return error == -ESRCH ? OWNER_GONE : OWNER_UNKNOWN;
}
