/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The small container that a job's commands run in: PID, IPC and mount namespaces of their own beside the job's
 * network namespace. Its first process ("init") holds the namespaces and does nothing but reap. It has a cgroup
 * of its own, JOB/init, which is how it is found again. The first command starts it. It ends with `run`,
 * or else with `down`.
 */

#include "job/job.h"

struct container {
	int init; /* a pidfd, -1: none */
	int root; /* the root folder of its view */
};

#define CONTAINER_NONE ((struct container){ -1, -1 })

/*
 * Opens the job's container; starts it where it is not there, with the end of the calling process if `ends_with_caller`.
 * Called with the job's lock. Returns 0, or -errno with the reason noted.
 */
int container_open(const struct job *job, bool ends_with_caller,
	struct container *container, struct failure *failure);
void container_close(struct container *container);

/* fork(2) into the container and the cgroup, which is the job's. Returns as fork(2) does, or -errno. The child
 * calls container_enter() next. */
pid_t container_fork(const struct container *container, int cgroup);

/* Takes the child into all other namespaces of the container. Returns 0 or -errno. */
int container_enter(const struct container *container);
