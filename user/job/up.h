/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Builds the fence of a job. */

#include "job/job.h"

/* The cgroup and namespace of a new job. */
struct placement {
	/*
	 * A cgroup and a namespace that others made. NULL: the job gets its own. With a
	 * full network it stays in the node's namespace.
	 */
	const char *cgroup;
	const char *netns;
	/*
	 * The first process of a container. In that case the cgroup must hold no
	 * process outside that container. 0: it may hold any process.
	 */
	pid_t container;
	/*
	 * The proxy ends with the last process of the cgroup, which has a process
	 * already.
	 */
	bool until_empty;
	/* All processes of the job are commands that jobfence starts. */
	bool closed;
};

/*
 * Builds the fence of job->spec and fills in the rest of `job`, all or nothing. Returns
 * 0 or -errno. If there is a job of that name, the status is STATUS_EXISTS.
 */
int job_up(struct job *job, const struct placement *where, struct failure *failure);

/* Does the same for a caller that holds the job's lock. */
int job_up_locked(struct job *job, const struct placement *where, struct failure *failure);
