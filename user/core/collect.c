// SPDX-License-Identifier: BSD-2-Clause
/* See collect.h. */

#include <errno.h>

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
