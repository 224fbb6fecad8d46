/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Ending a job. */

#include "lib/failure.h"

/*
 * Ends the job of that name with its processes, its proxy and everything that it was
 * given. If others made its cgroup, the processes there have to end first. Returns 0,
 * or -errno. If nothing has that name, the status is STATUS_NO_JOB.
 */
int job_down(const char *name, struct failure *failure);

/* Does the same for a caller that holds the job's lock. */
int job_down_locked(const char *name, struct failure *failure);
