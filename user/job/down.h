/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Ending a job. */

#include "lib/failure.h"

/*
 * Ends the job of that name with its processes, its proxy and all that it got. In a cgroup
 * that others made, its processes have to be gone before. Returns 0, or -errno with
 * STATUS_NO_JOB where nothing has that name.
 */
int job_down(const char *name, struct failure *failure);

/* The same for a caller that holds the job's lock. */
int job_down_locked(const char *name, struct failure *failure);
