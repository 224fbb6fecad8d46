// SPDX-License-Identifier: BSD-2-Clause
/*
 * Until the new proxy answers, the programs lead the job to where nobody listens. In the node's own
 * namespace another process may have taken the old one's port: so the state is cleared first, and
 * refuses everything.
 */

#include "core/repair.h"
#include "core/cgroup.h"
#include "core/condition.h"
#include "core/launch.h"
#include "core/maps.h"
#include "core/netns.h"
#include "core/state.h"
#include "lib/cleanup.h"

#define KILL_PATIENCE 10 /* seconds */

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
	error = cgroup_kill_each(job->paths.proxy, KILL_PATIENCE);
	if (error)
		return fail(failure, error, "cannot end what is left of the proxy");
	error = proxy_start(job, cgroup, netns, job->proxy6.port, &maps, failure);
	if (error)
		return error;
	error = job_record_write(job);
	return error ? fail(failure, error, "cannot write %s/spec.json", job->paths.run)
		     : 0;
}

int job_repair(struct job *job, const char *name, struct failure *failure)
{
	_fd_ int lock = job_read_locked(job, name, failure);

	int error = lock < 0 ? lock : job_check_fence(job, failure);

	if (error || job_condition(job) == CONDITION_UP)
		return error;
	return job_restart_proxy(job, failure);
}
