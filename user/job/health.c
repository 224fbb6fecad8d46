// SPDX-License-Identifier: BSD-2-Clause
/* See health.h. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <time.h>

#include "job/health.h"
#include "lib/cleanup.h"
#include "lib/files.h"
#include "node/attach.h"
#include "node/cgroup.h"
#include "node/netns.h"

#define LINE_SIZE 64
/*
 * Seconds that a cgroup of others may stay empty, since a container may start or
 * restart.
 */
#define EMPTY_PATIENCE 60

static bool netns_is_there(const struct job *job)
{
	struct failure ignored;
	_fd_ int netns = job->own_netns ? netns_open(job->netns, &ignored) : -1;

	return !job->own_netns || netns >= 0;
}

/*
 * A caller without rights can't ask the kernel. For such a caller the pins alone count.
 */
static bool is_fenced(const struct job *job)
{
	_fd_ int cgroup = cgroup_open(job->cgroup);
	char path[PATH_SIZE];

	return job->spec.network == NETWORK_FULL ||
	       (!path_format(path, "%s/links/egress", job->paths.pins) &&
		       file_exists(path) && attach_is_there(cgroup) != 0);
}

/*
 * The mark is a file beside the record. An interrupted `down` may fail to write the
 * record anew.
 */
static int path_of_mark(const struct job *job, char path[PATH_SIZE])
{
	return path_format(path, "%s/ending", job->paths.run);
}

int job_mark_ending(const struct job *job)
{
	char path[PATH_SIZE];
	int error = path_of_mark(job, path);

	return error ? error : file_write(path, "");
}

static bool is_ending(const struct job *job)
{
	char path[PATH_SIZE];

	return !path_of_mark(job, path) && file_exists(path);
}

enum condition job_condition(const struct job *job)
{
	if (is_ending(job))
		return CONDITION_ENDING;
	if (!cgroup_is_at(job->cgroup, job->id) || !netns_is_there(job))
		return CONDITION_GONE;
	if (!is_fenced(job))
		return CONDITION_UNFENCED;
	if (job->proxy_pid && !cgroup_has_process(job->paths.proxy, job->proxy_pid))
		return CONDITION_CUT_OFF;
	return CONDITION_UP;
}

const char *condition_word(enum condition condition)
{
	static const char *const words[] = {
		[CONDITION_UP] = "up",
		[CONDITION_STUCK] = "stuck",
		[CONDITION_CUT_OFF] = "cut-off",
		[CONDITION_UNFENCED] = "unfenced",
		[CONDITION_ENDING] = "ending",
		[CONDITION_GONE] = "gone",
	};
	return words[condition];
}

int job_check_fence(const struct job *job, struct failure *failure)
{
	enum condition condition = job_condition(job);

	if (condition == CONDITION_UP || condition == CONDITION_CUT_OFF)
		return 0;
	if (condition == CONDITION_ENDING)
		return fail_as(failure, STATUS_FAILED,
			"a down of job %s was interrupted; finish it: jobfence down %s",
			job->spec.name, job->spec.name);
	return fail_as(failure, STATUS_FAILED,
		"the fence of job %s is gone; end the job: jobfence down %s",
		job->spec.name, job->spec.name);
}

/*
 * If a command was killed, the first process that it made may not have finished its
 * view. A process that joined it would see the files of the node.
 */
static bool has_view(pid_t pid)
{
	char path[PATH_SIZE], name[sizeof(INIT_NAME)] = "";
	_file_ FILE *file =
		path_format(path, "/proc/%d/comm", (int)pid) ? NULL : fopen(path, "re");

	return file && fgets(name, sizeof(name), file) && !strcmp(name, INIT_NAME);
}

int job_open_init(const struct job *job, pid_t *pid)
{
	_fd_ int init = -1;

	*pid = cgroup_first_process(job->paths.init);
	if (*pid > 0)
		init = pidfd_open(*pid, 0);
	/* Another process may have that number by now. */
	if (init < 0 || !has_view(*pid) || !cgroup_has_process(job->paths.init, *pid))
		return -ESRCH;
	return TAKE_FD(init);
}

bool job_has_container(const struct job *job)
{
	pid_t pid;
	_fd_ int init = job_open_init(job, &pid);

	return init >= 0;
}

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
