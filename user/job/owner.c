// SPDX-License-Identifier: BSD-2-Clause
/* See owner.h. */

#include <errno.h>
#include <stdio.h>
#include <sys/pidfd.h>

#include "job/owner.h"
#include "lib/cleanup.h"
#include "node/process.h"

int job_note_owner(struct job *job, struct failure *failure)
{
	pid_t pid = job->spec.owner;
	_fd_ int process = -1;
	char shown[16];
	int error;

	if (!pid)
		return 0;
	process = pidfd_open(pid, 0);
	error = process < 0 ? -errno : process_start(process, &job->owner_start);
	/* As long as the process runs, its number is no other's. */
	if (!error && process_has_ended(process))
		error = -ESRCH;
	job->owner = pid;
	job->owner_namespace = process_namespace();
	if (!error)
		return 0;
	error = fail(failure, error, "the owner of job %s is process %d", job->spec.name,
		(int)pid);
	snprintf(shown, sizeof(shown), "%d", (int)pid);
	failure_about(failure, "--owner-pid", shown);
	return error;
}

/* The same process may be shown in the next tick to a reader in another time namespace. */
static bool is_same_start(uint64_t one, uint64_t other)
{
	return one - other + 1 <= 2;
}

enum ownership job_ownership(const struct job *job)
{
	_fd_ int process = -1;
	uint64_t start = 0;
	int error;

	if (!job->owner)
		return OWNER_NONE;
	if (!job->owner_namespace || process_namespace() != job->owner_namespace)
		return OWNER_UNKNOWN;
	process = pidfd_open(job->owner, 0);
	/* EINVAL, or ENOENT since Linux 6.15: the number is that of a thread by now. */
	if (process < 0)
		return errno == ESRCH || errno == EINVAL || errno == ENOENT ? OWNER_GONE
									    : OWNER_UNKNOWN;
	error = process_start(process, &start);
	if (process_has_ended(process))
		return OWNER_GONE;
	if (error)
		return OWNER_UNKNOWN;
	return is_same_start(start, job->owner_start) ? OWNER_ALIVE : OWNER_GONE;
}
