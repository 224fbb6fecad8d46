// SPDX-License-Identifier: BSD-2-Clause
/*
 * The processes end first. The proxy ends before all others, with the last lines of its
 * log. Then the programs are told to refuse everything. Then the parts of the job are
 * removed. If `down` is killed at any point, the job has less network than it was given.
 */

#include <errno.h>

#include "job/down.h"
#include "job/health.h"
#include "job/launch.h"
#include "job/news.h"
#include "job/place.h"
#include "job/remains.h"
#include "job/report.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/moment.h"
#include "node/attach.h"
#include "node/cgroup.h"
#include "node/lock.h"
#include "node/maps.h"
#include "node/slice.h"
#include "node/state.h"

/*
 * Whether the end of the job would unfence processes in the cgroup with that id.
 * Returns 1, 0 or -errno.
 */
static int holds_others(uint64_t id)
{
	int populated = cgroup_is_populated(id);
	_fd_ int cgroup = -1;

	if (populated <= 0 || place_is_forbidden(id))
		return populated < 0 ? populated : 0;
	cgroup = cgroup_open_id(id);
	if (cgroup < 0)
		return cgroup == -ESTALE ? 0 : cgroup;
	return attach_is_there(cgroup);
}

/*
 * Ends the job's processes. Then it tells the programs to refuse everything, in case a
 * process or a socket is left.
 */
static int end_processes(const struct job *job, struct failure *failure)
{
	_cleanup_(job_maps_close) struct job_maps maps = JOB_MAPS_NONE;
	/*
	 * A cgroup of our own may be out of sight, in another cgroup namespace. Then
	 * nothing there can be killed from here.
	 */
	bool at_hand = job->own_cgroup && cgroup_is_at(job->cgroup, job->id);
	int error = at_hand ? 0 : holds_others(job->id);

	if (error > 0)
		return fail(failure, -EBUSY,
			"%s still has processes, which would be without a fence; end them first",
			job->cgroup);
	if (error)
		return fail(failure, error, "cannot see who is in cgroup %s", job->cgroup);
	error = job_maps_open_shared(&job->paths, &maps);
	if (error)
		return error == -ENOENT
			       ? 0
			       : fail(failure, error, "cannot open the job's maps");
	/*
	 * The mark only tells later commands of an interruption. So the job is ended
	 * even if there is no room for the mark.
	 */
	(void)job_mark_ending(job);
	proxy_ask_to_end(job);
	error = slice_kill(&job->paths);
	if (!error)
		error = cgroup_kill(job->paths.cgroup, KILL_PATIENCE);
	if (error)
		return fail(failure, error, "cannot end the processes in %s", job->cgroup);
	error = state_clear(&maps, job->id, job->proxy_id);
	return error ? fail(failure, error, "cannot clear the job's state") : 0;
}

/*
 * The report of a job whose processes have ended. Its maps are there until the rest is
 * removed. `readable` says whether its record was.
 */
static json_t *final_report(
	const char *name, const struct job *job, bool readable, enum condition condition)
{
	_cleanup_(usage_free) struct usage *usage = NULL;
	char ended[MOMENT_TEXT_MAX];
	struct failure ignored;
	_json_ json_t *report = NULL;

	if (!readable) {
		report = job_report_name(
			name, job_is_complete(&job->paths) ? "unreadable" : "half-made");
	} else {
		/* Its counters may be those of another version. */
		(void)usage_read(job, &usage, &ignored);
		/* A worker that was killed left what it had. */
		if (usage)
			usage->statistics.open = 0;
		report = job_report(job, condition_word(condition), usage);
	}
	moment_format(clock_ns(CLOCK_BOOTTIME), ended);
	return json_object_set_new(report, "ended_at", json_string(ended))
		       ? NULL
		       : TAKE_POINTER(report);
}

int job_down_locked(const char *name, json_t **last, struct failure *failure)
{
	_cleanup_(job_free) struct job job = {};
	enum condition condition = CONDITION_UP;
	struct failure ignored;
	_json_ json_t *report = NULL;
	bool readable;
	int error = spec_set_name(&job.spec, name, failure);

	if (!error)
		error = job_paths(name, &job.paths, failure);
	if (error)
		return error;
	if (!job_is_anywhere(&job.paths))
		return fail_as(failure, STATUS_NO_JOB,
			"there is no job %s; see: jobfence list", name);
	/* An unreadable record tells no more than a missing one. */
	readable = !job_record_read(&job, &ignored);
	if (readable)
		condition = job_condition(&job);
	error = readable ? end_processes(&job, failure)
			 : remains_check_unfenced(&job.paths, failure);
	if (error)
		return error;
	report = final_report(name, &job, readable, condition);
	error = remains_remove(&job.paths, failure);
	if (!error && readable)
		news_tell(&job, EVENT_ENDED, NULL, report);
	if (last)
		*last = TAKE_POINTER(report);
	return error;
}

int job_down(const char *name, json_t **last, struct failure *failure)
{
	struct job_spec spec = {};
	_fd_ int lock = -1;
	int error = spec_set_name(&spec, name, failure);

	if (error)
		return error;
	lock = job_lock(name, failure);
	return lock < 0 ? lock : job_down_locked(name, last, failure);
}
