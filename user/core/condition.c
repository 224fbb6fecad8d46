// SPDX-License-Identifier: BSD-2-Clause
/* See condition.h. */

#include <errno.h>
#include <time.h>

#include "core/cgroup.h"
#include "core/condition.h"
#include "core/netns.h"
#include "lib/cleanup.h"
#include "lib/files.h"

#define EMPTY_PATIENCE 60 /* seconds from `up` until a container has to be in its cgroup */

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

static bool is_new(const struct job *job)
{
	time_t age = time(NULL) - job->started;

	return age >= 0 && age < EMPTY_PATIENCE;
}

bool job_is_dead(const struct job *job)
{
	enum condition condition = job_condition(job);

	if (condition == CONDITION_UNFENCED)
		return true;
	if (cgroup_is_populated(job->cgroup) == 1)
		return false;
	return condition != CONDITION_UP || (!job->own_cgroup && !is_new(job));
}
