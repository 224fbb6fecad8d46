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

/* The fields of /proc/PID/stat, of proc(5), that count. */
#define FIELD_STATE 3
#define FIELD_START 22 /* clock ticks since the boot */

static uint64_t pid_namespace(void)
{
	struct stat status;

	return stat("/proc/self/ns/pid", &status) ? 0 : status.st_ino;
}

/*
 * Reads when a process began. A zombie has ended. Returns 0, -ESRCH if there is no such
 * process, -EPERM if /proc does not show it, or -errno.
 */
static int read_start(pid_t pid, uint64_t *start)
{
	char path[PATH_SIZE], line[1024];
	_file_ FILE *file = NULL;
	char *at;

	if (path_format(path, "/proc/%d/stat", (int)pid))
		return -ENAMETOOLONG;
	file = fopen(path, "re");
	/* With the option hidepid, /proc hides processes of others. */
	if (!file)
		return kill(pid, 0) && errno == ESRCH ? -ESRCH : -EPERM;
	if (!fgets(line, sizeof(line), file))
		return -ESRCH;
	/* The name of a command may hold blanks and parentheses. */
	at = strrchr(line, ')');
	if (!at || !at[1] || at[2] == 'Z' || at[2] == 'X')
		return -ESRCH;
	at += 2;
	for (int field = FIELD_STATE; at && field < FIELD_START; field++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	if (!at)
		return -EPROTO;
	*start = strtoull(at, NULL, 10);
	return 0;
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
