/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The container that a job's commands run in (command/container.h), as others see it. */

#include <stdbool.h>
#include <sys/types.h>

#include "job/job.h"

/*
 * The name of the first process of a job's container, once the view of the container is
 * made.
 */
#define INIT_NAME "jobfence-init"

/*
 * Opens the first process of the container. Returns a pidfd, with the number in `pid`.
 * Returns -ESRCH if there is no container.
 */
int job_open_init(const struct job *job, pid_t *pid);

/* Whether the job has a container now. */
bool job_has_container(const struct job *job);
