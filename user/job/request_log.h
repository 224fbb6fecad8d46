/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Where the request log of a job is, and what its proxy needs for it (jobfence/proxy.h). */

#include "job/job.h"
#include "policy/policy.h"

/* Descriptors for FD_LOG_PIPE and FD_LOG, FD_LOG_FILE and FD_LOG_OLD. -1: there is none. */
struct request_log {
	int pipe[2];
	int file, old;
};

#define REQUEST_LOG_NONE \
	{ \
		{ -1, -1 }, -1, -1 \
	}

/*
 * Chooses the log of a job that was admitted, by its spec and the policy. Returns 0, or
 * -errno with the failure noted.
 */
int request_log_choose(struct job *job, const struct job_spec *spec,
	const struct policy *policy, struct failure *failure);

/*
 * Opens the log and makes its pipe. Without a log nothing is opened. The caller closes
 * what is open. Returns 0, or -errno with the failure noted.
 */
int request_log_open(
	const struct job *job, struct request_log *log, struct failure *failure);
void request_log_close(struct request_log *log);

/*
 * Forgets the standard error of the caller, who will have ended. A proxy that `repair`
 * starts has no log then.
 */
void request_log_forget(struct job *job);
