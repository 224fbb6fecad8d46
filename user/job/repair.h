/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* A new proxy for a job that has lost its own, or is to have that of another version. */

#include "job/job.h"

/* Starts the proxy of that job again where it has ended or does not answer, with the job's rules as they are. Returns 0, also
 * when it answers, or -errno with STATUS_NO_JOB where there is no such job. */
int job_repair(struct job *job, const char *name, struct failure *failure);

/*
 * Ends the proxy of a job that was read under its lock, if it still runs, and starts this version's: the job's connections end, and
 * until the new one answers it has no network. Returns 0, or -errno; the job is then cut off, if not as it was.
 */
int job_restart_proxy(struct job *job, struct failure *failure);
