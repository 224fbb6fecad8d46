// SPDX-License-Identifier: BSD-2-Clause
/* See dead.h. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "job/dead.h"
#include "job/health.h"
#include "job/init.h"
#include "job/owner.h"
#include "lib/cleanup.h"
#include "lib/files.h"
#include "node/cgroup.h"

#define LINE_SIZE 64
/*
 * Seconds that a cgroup of others may stay empty, since a container may start or
 * restart.
 */
#define EMPTY_PATIENCE 60

static bool is_long_ago(time_t moment)
{
	time_t age = time(NULL) - moment;

	return age < 0 || age >= EMPTY_PATIENCE;
}

/* Reads the first line of a short file into `line`. Returns 0 or -errno. */
static int read_line(const char *folder, const char *name, char line[LINE_SIZE])
{
	char path[PATH_SIZE];
	_file_ FILE *file = NULL;

	if (path_format(path, "%s/%s", folder, name))
		return -ENAMETOOLONG;
	file = fopen(path, "re");
	return file && fgets(line, LINE_SIZE, file) ? 0 : -EIO;
}

/*
 * Whether the job's cgroup was empty at an earlier gc, at least a minute ago, and
 * nothing has run in it since. gc writes the processor time that the cgroup has used
 * (usage_usec in cpu.stat) to the file `empty` in the job's folder. If the file is old
 * and the processor time is the same, nothing ran in between.
 */
static bool stays_empty(const struct job *job)
{
	char path[PATH_SIZE], used[LINE_SIZE], noted[LINE_SIZE];
	struct stat status;

	if (path_format(path, "%s/empty", job->paths.run) ||
		read_line(job->cgroup, "cpu.stat", used))
		return false;
	if (!read_line(job->paths.run, "empty", noted) && !strcmp(used, noted) &&
		!stat(path, &status))
		return is_long_ago(status.st_mtime);
	file_write(path, used);
	return false;
}

bool job_is_dead(const struct job *job)
{
	enum condition condition = job_condition(job);
	int populated;

	if (job_ownership(job) == OWNER_GONE)
		return true;
	if (condition == CONDITION_UNFENCED || condition == CONDITION_ENDING)
		return true;
	populated = cgroup_is_populated(job->id);
	if (condition != CONDITION_UP)
		return !populated;
	/*
	 * The first process of the container ends with `run`, even if `run` was killed.
	 */
	if (job->closed)
		return !populated && !job_has_container(job);
	return !job->own_cgroup && !populated && is_long_ago(job->started) &&
	       stays_empty(job);
}
