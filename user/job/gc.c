// SPDX-License-Identifier: BSD-2-Clause
/* See gc.h. */

#include <errno.h>
#include <time.h>

#include "job/dead.h"
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

#define BUSY_PATIENCE 3 /* seconds for all jobs that another command has locked */

/*
 * Whether gc ends the job. Returns 1, 0 or -errno.
 *
 *		   without labels	    with labels
 *   complete	   it is dead		    its record has them
 *   incomplete	   it left anything	    labels.json has them, which `up` writes first
 *
 * Without labels, call with the job's lock held.
 */
static int is_due(const char *name, const json_t *labels, struct failure *failure)
{
	_cleanup_(job_free) struct job job = {};
	struct failure ignored;
	bool complete;
	int error;

	/* No job can have such a name, so the entry is not ours. */
	if (spec_set_name(&job.spec, name, &ignored))
		return 0;
	error = job_paths(name, &job.paths, failure);
	if (error)
		return error;
	complete = job_is_complete(&job.paths);
	if (json_object_size(labels) > 0) {
		error = complete ? job_record_read(&job, &ignored)
				 : job_labels_read(&job, &ignored);
		return !error && spec_has_labels(&job.spec, labels);
	}
	if (!complete)
		return job_is_anywhere(&job.paths);
	return !job_record_read(&job, &ignored) && job_is_dead(&job);
}

/*
 * Whether the job's cgroup exists, but not at its path. In that case the caller is in
 * another cgroup namespace.
 */
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
 * Checks that no fence stands for a job whose record, pins or cgroup are missing here.
 * Somebody may have removed these parts, or the caller's namespaces may hide them. Only
 * `down` with its name ends such a job. Returns 0, or -errno with the failure noted.
 */
static int check_not_hidden(const char *name, const json_t *labels, struct failure *failure)
{
	_cleanup_(job_free) struct job job = {};
	enum condition condition;
	int error = job_paths(name, &job.paths, failure);

	if (error)
		return error;
	if (!job_is_complete(&job.paths))
		return remains_check_idle(&job.paths, failure);
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

/*
 * Ends one job if it is due. Returns 1 if the job was due. If it was not removed,
 * `failure` says why. Returns 0 if the job was not due. If another command has locked
 * it, this returns -EAGAIN, or -ETIMEDOUT after `patience` seconds. Returns -errno
 * otherwise.
 */
static int collect_one(
	const char *name, const json_t *labels, int patience, struct failure *failure)
{
	_fd_ int lock = -1;
	int due;

	/*
	 * Labels are read without a lock. So gc does not wait for jobs that have other
	 * labels.
	 */
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
	if (check_not_hidden(name, labels, failure))
		return 1;
	job_down_locked(name, NULL, failure);
	return 1;
}

struct collection {
	const json_t *labels;
	int (*visit)(const char *name, const struct failure *failure, void *data);
	void *data;
};

/* The seconds until `end`, at least one: each job may take that long. */
static int patience_until(time_t end)
{
	time_t left = end - time(NULL);

	return left > 1 ? (int)left : 1;
}

/*
 * Ends each job that is due. Puts the name of each job that another command has locked
 * into `busy`.
 *
 * If `busy` is NULL, this waits for the lock. A lock that is not released in time is a
 * failure of that job.
 */
static int collect_each(const struct collection *collection, json_t *names, json_t *busy,
	struct failure *failure)
{
	time_t end = time(NULL) + BUSY_PATIENCE;
	const char *name;
	json_t *value;

	json_object_foreach (names, name, value) {
		int due = collect_one(
			name, collection->labels, busy ? 0 : patience_until(end), failure);
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

int gc_run(const json_t *labels,
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
