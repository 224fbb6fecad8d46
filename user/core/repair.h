/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Bringing a job's network back after its proxy has ended. */

#include "core/job.h"

/* Starts the proxy of that job again; with the job's rules as they are. Returns 0, also when it is running, or -errno with
 * STATUS_NO_JOB where there is no such job. */
int job_repair(struct job *job, const char *name, struct failure *failure);
