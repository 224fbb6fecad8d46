// SPDX-License-Identifier: BSD-2-Clause
/* See gc.h. */

#include <errno.h>
#include <time.h>

#include "job/down.h"
#include "job/gc.h"
#include "job/health.h"
#include "job/jobs.h"
#include "job/remains.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "node/attach.h"
#include "node/cgroup.h"
#include "node/lock.h"

#define BUSY_PATIENCE 3 /* seconds for all jobs that commands are at work on */

/* Returns 1 where the job is to end, 0 where it is not, or -errno. Without labels for who has the job's lock. */
static int is_due(const char *name, const json_t *labels, struct failure *failure)
{
	_cleanup_(job_free) struct job job = {};
	struct failure ignored;
	bool selects = json_object_size(labels) > 0;
	int error;

	/* What no job can be called is not ours. */
	if (spec_set_name(&job.spec, name, &ignored))
		return 0;
	error = job_paths(name, &job.paths, failure);
	if (error)
		return error;
	if (!job_is_complete(&job.paths) && !selects)
		return job_is_anywhere(&job.paths);
	if (!job_is_complete(&job.paths))
		return !job_labels_read(&job, &ignored) && job_has_labels(&job, labels);
	if (job_record_read(&job, &ignored))
		return 0;
	return selects ? job_has_labels(&job, labels) : job_is_dead(&job);
}

/* Whether the job's cgroup is there, but not at its path: that is as the caller's cgroup namespace has it. */
static bool is_out_of_sight(const struct job *job)
{
	_fd_ int found = cgroup_open_id(job->id);

	return found >= 0 && !cgroup_is_at(job->cgroup, job->id);
}

static bool has_fence(const struct job *job)
{
	_fd_ int cgroup = cgroup_open(job->cgroup);

	return cgroup >= 0 && attach_is_there(cgroup);
}

/*
 * Whether no fence stands whose record, pins or cgroup are not here: these are as the namespaces of the caller have them, or
 * somebody removed them. Such a job is ended by name only. Returns 0, or -errno with the failure noted.
 */
static int check_lost(const char *name, const json_t *labels, struct failure *failure)
{
	_cleanup_(job_free) struct job job = {};
	enum condition condition;
	int error = job_paths(name, &job.paths, failure);

	if (error)
		return error;
	if (!job_is_complete(&job.paths))
		return remains_are_idle(&job.paths, failure);
	if (json_object_size(labels) > 0)
		return 0;
	error = job_read(&job, name, failure);
	if (error)
		return error;
	condition = job_condition(&job);
	if (condition == CONDITION_GONE && is_out_of_sight(&job))
		return fail_as(failure, STATUS_FAILED,
			"the cgroup of job %s is there, but not at %s: run gc in the node's "
			"cgroup namespace",
			name, job.cgroup);
	if (condition == CONDITION_UNFENCED && has_fence(&job))
		return fail_as(failure, STATUS_FAILED,
			"the fence of job %s stands, but its pins are not in %s: is that another "
			"bpffs? to end the job: jobfence down %s",
			name, job.paths.pins, name);
	return 0;
}

/* Returns 1 where the job was due, and then whether it went is in `failure`; 0 where it was not; -EAGAIN or, with `patience`
 * seconds, -ETIMEDOUT while a command is at work on it; or -errno. */
static int collect_one(
	const char *name, const json_t *labels, int patience, struct failure *failure)
{
	_fd_ int lock = -1;
	int due;

	/* Labels can be read without a lock: so the jobs of others are not waited for. */
	if (json_object_size(labels) > 0) {
		due = is_due(name, labels, failure);
		if (due <= 0)
			return due;
	}
	lock = job_lock_within(name, patience, failure);
	if (lock < 0)
		return lock;
	due = is_due(name, labels, failure);
	if (due <= 0)
		return due;
	if (check_lost(name, labels, failure))
		return 1;
	job_down_locked(name, failure);
	return 1;
}

struct collection {
	const json_t *labels;
	int (*visit)(const char *name, const struct failure *failure, void *data);
	void *data;
};

/* Puts the names of those that a command is at work on into `busy`; NULL: waits for these, and calls it a failure where that
 * command does not come to an end. */
static int collect_each(const struct collection *collection, json_t *names, json_t *busy,
	struct failure *failure)
{
	time_t end = time(NULL) + BUSY_PATIENCE;
	const char *name;
	json_t *value;

	json_object_foreach (names, name, value) {
		time_t left = end - time(NULL);
		int due = collect_one(name, collection->labels,
			busy	   ? 0
			: left > 1 ? (int)left
				   : 1,
			failure);
		int error = due < 0 ? due : 0;

		if (due == -EAGAIN && busy)
			error = json_object_set_new(busy, name, json_true()) ? -ENOMEM : 0;
		else if (due > 0 || due == -ETIMEDOUT)
			error = collection->visit(
				name, failure->text[0] ? failure : NULL, collection->data);
		if (error)
			return error;
		*failure = (struct failure){};
	}
	return 0;
}

int job_collect(const json_t *labels,
	int (*visit)(const char *name, const struct failure *failure, void *data),
	void *data, struct failure *failure)
{
	const struct collection collection = {
		.labels = labels, .visit = visit, .data = data
	};
	_json_ json_t *names = json_object(), *busy = json_object();
	int error = names && busy ? job_names_find(names, failure) : -ENOMEM;

	if (!error)
		error = collect_each(&collection, names, busy, failure);
	return error ? error : collect_each(&collection, busy, NULL, failure);
}
