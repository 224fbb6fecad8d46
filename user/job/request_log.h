/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Opens what the proxy of a job needs for its request log (jobfence/proxy.h). */

#include "job/job.h"

/* Descriptors for FD_LOG_PIPE and FD_LOG, FD_LOG_FILE and FD_LOG_OLD. -1: there is none. */
struct request_log {
	int pipe[2];
	int file, old;
};

#define REQUEST_LOG_NONE \
	{ \
		{ -1, -1 }, -1, -1 \
	}

/* Opens the log and makes its pipe. The caller closes what is open. Returns 0 or -errno. */
int request_log_open(const struct job *job, struct request_log *log);
void request_log_close(struct request_log *log);
