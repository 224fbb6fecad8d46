/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* A new proxy for a job. The old one has ended, is stuck, or is of another version. */

#include "job/job.h"

/*
 * Restarts the proxy of that job if the proxy has ended or does not answer. The job's
 * rules stay as they are. Returns 0, also if the proxy answers, or -errno. If there is
 * no such job, the status is STATUS_NO_JOB.
 */
int job_repair(struct job *job, const char *name, struct failure *failure);

/*
 * Ends the job's proxy, if it still runs, and starts this version's. The job was read
 * under its lock, which the caller holds. The job's connections end, and it has no
 * network until the new proxy answers. Returns 0 or -errno. After a failure the job is
 * either unchanged or cut off.
 */
int job_restart_proxy(struct job *job, struct failure *failure);
