// SPDX-License-Identifier: BSD-2-Clause
/* See collect.h. */

#include <errno.h>

#include "core/attach.h"
#include "core/cgroup.h"
#include "core/collect.h"
#include "core/condition.h"
#include "core/jobs.h"
#include "core/lock.h"
#include "core/remains.h"
#include "lib/cleanup.h"

static bool is_due(struct job *job, const json_t *labels)
{
	struct failure ignored;
	bool selects = json_object_size(labels) > 0;

	if (!job_is_complete(&job->paths))
		return !selects && job_is_anywhere(&job->paths);
	if (job_record_read(job, &ignored))
		return false;
	return selects ? job_has_labels(job, labels) : job_is_dead(job);
}

/*
 * Whether no fence stands whose record or pins are not here: both are as the mount namespace of the caller has them, or
 * somebody removed them. Such a job is ended by name only. Returns 0, or -errno with the failure noted.
 */
static int check_lost(const struct job *job, struct failure *failure)
{
	_fd_ int cgroup = -1;

	if (!job_is_complete(&job->paths))
		return remains_are_idle(&job->paths, failure);
	if (job_condition(job) != CONDITION_UNFENCED)
		return 0;
	cgroup = cgroup_open(job->cgroup);
	if (cgroup < 0 || !attach_is_there(cgroup))
		return 0;
	return fail_as(failure, STATUS_FAILED,
		"the fence of job %s stands, but its pins are not in %s: is that another bpffs? "
		"to end the job: jobfence down %s",
		job->spec.name, job->paths.pins, job->spec.name);
}

/* Returns 1 where the job was due, and then whether it went is in `failure`. */
static int collect_one(const char *name, const json_t *labels, struct failure *failure)
{
	_cleanup_(job_free) struct job job = {}, ended = {};
	_fd_ int lock = -1;
	int error = job_init(&job);

	if (!error)
		error = job_init(&ended);
	if (error)
		return error;
	/* What no job can be called is not ours. */
	if (spec_set_name(&job.spec, name, failure) ||
		spec_set_name(&ended.spec, name, failure))
		return 0;
	lock = job_lock(name, failure);
	if (lock < 0)
		return lock;
	error = job_paths(name, &job.paths, failure);
	if (error || !is_due(&job, labels))
		return error;
	if (json_object_size(labels) > 0 || !check_lost(&job, failure))
		job_down_locked(&ended, failure);
	return 1;
}

int job_collect(const json_t *labels,
	int (*visit)(const char *name, const struct failure *failure, void *data),
	void *data, struct failure *failure)
{
	_json_ json_t *names = json_object();
	const char *name;
	json_t *value;
	int error = names ? job_names_find(names, failure) : -ENOMEM;

	if (error)
		return error;
	json_object_foreach(names, name, value)
	{
		int due = collect_one(name, labels, failure);

		if (due < 0)
			return due;
		error = due ? visit(name, failure->text[0] ? failure : NULL, data) : 0;
		*failure = (struct failure){};
		if (error)
			return error;
	}
	return 0;
}
