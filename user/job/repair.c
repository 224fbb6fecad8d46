// SPDX-License-Identifier: BSD-2-Clause
/*
 * Until the new proxy answers, the programs redirect the job to an endpoint without a
 * listener. In the node's own namespace another process may have taken the old proxy's
 * port. So the state is cleared first, and the programs refuse everything.
 */

#include "job/health.h"
#include "job/launch.h"
#include "job/news.h"
#include "job/pulse.h"
#include "job/repair.h"
#include "lib/cleanup.h"
#include "node/cgroup.h"
#include "node/maps.h"
#include "node/netns.h"
#include "node/state.h"

int job_restart_proxy(struct job *job, struct failure *failure)
{
	_cleanup_(job_maps_close) struct job_maps maps = JOB_MAPS_NONE;
	_fd_ int cgroup = cgroup_open(job->paths.proxy);
	_fd_ int netns = job_open_netns(job, failure);
	int error;

	if (netns < 0)
		return netns;
	if (cgroup < 0)
		return fail(failure, cgroup, "cannot open cgroup %s", job->paths.proxy);
	error = job_maps_open(&job->paths, &maps);
	if (error)
		return fail(failure, error, "cannot open the job's maps");
	error = state_clear(&maps, job->id, job->proxy_id);
	if (error)
		return fail(failure, error, "cannot clear the job's state");
	proxy_ask_to_end(job);
	error = cgroup_kill_each(job->paths.proxy, KILL_PATIENCE);
	if (error)
		return fail(failure, error, "cannot end what is left of the proxy");
	error = proxy_start(job, cgroup, netns, job->proxy6.port, &maps, failure);
	if (!error)
		error = job_record_write(job, failure);
	if (!error)
		return 0;
	/* The new proxy may run, and the programs may send the job to it. */
	(void)state_clear(&maps, job->id, job->proxy_id);
	(void)cgroup_kill_each(job->paths.proxy, KILL_PATIENCE);
	return error;
}

/*
 * The number of the job's supervisor if the proxy is stuck, otherwise 0. This waits for
 * the proxy, so call it before the job is locked.
 */
static pid_t find_stuck(const char *name)
{
	_cleanup_(job_free) struct job job = {};
	struct failure ignored;

	return !job_read(&job, name, &ignored) &&
			       job_condition_asked(&job) == CONDITION_STUCK
		       ? job.proxy_pid
		       : 0;
}

int job_repair(struct job *job, const char *name, struct failure *failure)
{
	pid_t stuck = find_stuck(name);
	_fd_ int lock = job_read_locked(job, name, failure);
	int error = lock < 0 ? lock : job_check_fence(job, failure);

	if (error)
		return error;
	/* Another command may have repaired the job in the meantime. */
	if (job_condition(job) == CONDITION_UP && (!stuck || job->proxy_pid != stuck))
		return 0;
	error = job_restart_proxy(job, failure);
	if (!error)
		news_tell(job, EVENT_CHANGED, "repair", NULL);
	return error;
}
