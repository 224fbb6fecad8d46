// SPDX-License-Identifier: BSD-2-Clause
/* See condition.h. */

#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#include "core/cgroup.h"
#include "core/condition.h"
#include "core/netns.h"
#include "lib/cleanup.h"
#include "lib/files.h"

#define EMPTY_PATIENCE \
	60 /* seconds that a cgroup of others may stand empty: a container starts, or starts again */

static bool cgroup_is_the_same(const struct job *job)
{
	_fd_ int cgroup = cgroup_open(job->cgroup);
	uint64_t id;

	return cgroup >= 0 && !cgroup_id(cgroup, &id) && id == job->id;
}

static bool netns_is_there(const struct job *job)
{
	struct failure ignored;
	_fd_ int netns = job->own_netns ? netns_open(job->netns, &ignored) : -1;

	return !job->own_netns || netns >= 0;
}

static bool is_fenced(const struct job *job)
{
	char path[PATH_SIZE];

	return job->spec.network == NETWORK_FULL ||
	       (!path_format(path, "%s/links/egress", job->paths.pins) &&
		       file_exists(path));
}

enum condition job_condition(const struct job *job)
{
	if (!cgroup_is_the_same(job) || !netns_is_there(job))
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
		[CONDITION_CUT_OFF] = "cut-off",
		[CONDITION_UNFENCED] = "unfenced",
		[CONDITION_GONE] = "gone",
	};
	return words[condition];
}

int job_check_fence(const struct job *job, struct failure *failure)
{
	enum condition condition = job_condition(job);

	if (condition == CONDITION_UP || condition == CONDITION_CUT_OFF)
		return 0;
	return fail_as(failure, STATUS_FAILED,
		"the fence of job %s is gone; end the job: jobfence down %s",
		job->spec.name, job->spec.name);
}

static bool is_long_ago(time_t moment)
{
	time_t age = time(NULL) - moment;

	return age < 0 || age >= EMPTY_PATIENCE;
}

/* Whether it was empty when gc last came by, and that was long ago: a file in the job's folder bears the time. */
static bool stays_empty(const struct job *job, bool empty)
{
	struct stat status;
	char note[PATH_SIZE];

	if (path_format(note, "%s/empty", job->paths.run))
		return false;
	if (!empty)
		unlink(note);
	else if (!stat(note, &status))
		return is_long_ago(status.st_mtime);
	else
		file_write(note, "");
	return false;
}

bool job_is_dead(const struct job *job)
{
	enum condition condition = job_condition(job);
	int populated;

	if (condition == CONDITION_UNFENCED)
		return true;
	populated = cgroup_is_populated(job->id);
	if (condition != CONDITION_UP)
		return !populated;
	return !job->own_cgroup && populated >= 0 && is_long_ago(job->started) &&
	       stays_empty(job, !populated);
}
