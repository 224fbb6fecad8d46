/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Ending a job. */

#include <jansson.h>

#include "lib/failure.h"

/*
 * Ends the job of that name with its processes, its proxy and everything that it was
 * given. If others made its cgroup, the processes there have to end first.
 *
 * `last` gets the job's final report (report.h), of the moment at which all its
 * processes had ended, with the state before that, and `ended_at`. It is NULL if nobody
 * asks. The caller frees it, also after a failure. *last stays NULL without memory.
 *
 * Returns 0, or -errno. If nothing has that name, the status is STATUS_NO_JOB.
 */
int job_down(const char *name, json_t **last, struct failure *failure);

/* Does the same for a caller that holds the job's lock. */
int job_down_locked(const char *name, json_t **last, struct failure *failure);
