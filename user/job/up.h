/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Building the fence of a job. */

#include "job/job.h"

/* Where the job is to live. */
struct placement {
	/* Made by others. NULL: the job gets one of its own. */
	const char *cgroup;
	const char *netns;
	/*
	 * The first process of a container. The cgroup may then hold no other processes than
	 * that container's. 0: it may hold any.
	 */
	pid_t container;
	/* The proxy ends with the last process of the cgroup, which has one now. */
	bool until_empty;
	/* All processes of the job are commands of ours. */
	bool closed;
};

/*
 * Builds the fence of job->spec and fills in the rest of `job`, all or nothing. Returns 0,
 * or -errno with STATUS_EXISTS where there is a job of that name.
 */
int job_up(struct job *job, const struct placement *where, struct failure *failure);

/* The same for a caller that holds the job's lock. */
int job_up_locked(struct job *job, const struct placement *where, struct failure *failure);
