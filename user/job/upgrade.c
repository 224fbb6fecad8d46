// SPDX-License-Identifier: BSD-2-Clause
/* See upgrade.h. */

#include <stdio.h>

#include "job/health.h"
#include "job/news.h"
#include "job/repair.h"
#include "job/upgrade.h"
#include "lib/cleanup.h"
#include "node/attach.h"
#include "node/cgroup.h"
#include "node/objects.h"

static int replace_programs(struct job *job, struct failure *failure)
{
	_fd_ int cgroup = cgroup_open(job->cgroup);
	_fd_ int proxy_cgroup = job->proxy_id ? cgroup_open(job->paths.proxy) : -1;
	int error;

	if (cgroup < 0)
		return fail(failure, cgroup, "cannot open cgroup %s", job->cgroup);
	if (job->proxy_id && proxy_cgroup < 0)
		return fail(
			failure, proxy_cgroup, "cannot open cgroup %s", job->paths.proxy);
	error = attach_replace(&job->paths, cgroup, proxy_cgroup, failure);
	if (error)
		return error;
	snprintf(job->programs, sizeof(job->programs), "%s", objects_digest());
	return job_record_write(job, failure);
}

int job_upgrade(const char *name, bool proxy, struct failure *failure)
{
	_cleanup_(job_free) struct job job = {};
	_fd_ int lock = -1;
	int error;

	lock = job_read_locked(&job, name, failure);
	if (lock < 0)
		return lock;
	error = job_check_fence(&job, failure);
	if (!error)
		error = objects_ensure(failure);
	if (!error)
		error = replace_programs(&job, failure);
	if (!error && proxy && job.proxy_id)
		error = job_restart_proxy(&job, failure);
	if (!error)
		news_tell(&job, EVENT_CHANGED, "upgrade", NULL);
	return error;
}
