/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The small container in which a job's commands run. It has its own PID, IPC and mount
 * namespaces, beside the job's network namespace. Its first process ("init") holds the
 * namespaces and only reaps. Init has a cgroup of its own, JOB/init, by which jobfence
 * finds it again. The first command starts the container. `run` ends it with the command,
 * `down` with the job.
 */

#include "job/job.h"

struct container {
	int init; /* a pidfd; -1: none */
	int root; /* the root folder of the container's view; -1: none */
};

#define CONTAINER_NONE ((struct container){ -1, -1 })

/*
 * Opens the job's container, or starts it if there is none. With `ends_with_caller` a
 * container that it starts ends together with the calling process. Call with the job's
 * lock held. Returns 0, or -errno with the reason noted.
 */
int container_open(const struct job *job, bool ends_with_caller,
	struct container *container, struct failure *failure);
void container_close(struct container *container);

/*
 * fork(2) into the container and into `cgroup`, the job's. Returns as fork(2) does, or
 * -errno. The child calls container_enter() next.
 */
pid_t container_fork(const struct container *container, int cgroup);

/* Moves the child into all other namespaces of the container. Returns 0 or -errno. */
int container_enter(const struct container *container);
