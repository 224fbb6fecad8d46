// SPDX-License-Identifier: BSD-2-Clause
/* See health.h. */

#include "job/health.h"
#include "lib/cleanup.h"
#include "lib/files.h"
#include "node/attach.h"
#include "node/cgroup.h"
#include "node/netns.h"
#include "node/process.h"

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

/*
 * Another PID namespace has no number for the supervisor, or another one. There a process
 * in the proxy's cgroup tells, as the worker ends with its supervisor.
 */
static bool proxy_is_there(const struct job *job)
{
	uint64_t here = process_namespace();

	return job->proxy_namespace && here && here != job->proxy_namespace
		       ? cgroup_is_populated(job->proxy_id) != 0
		       : cgroup_has_process(job->paths.proxy, job->proxy_pid);
}

enum condition job_condition(const struct job *job)
{
	if (is_ending(job))
		return CONDITION_ENDING;
	if (!cgroup_is_at(job->cgroup, job->id) || !netns_is_there(job))
		return CONDITION_GONE;
	if (!is_fenced(job))
		return CONDITION_UNFENCED;
	if (job->proxy_pid && !proxy_is_there(job))
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
