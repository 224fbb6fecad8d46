/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Running a command in a job. */

#include "command/user.h"
#include "job/job.h"

struct execution {
	char *const *arguments; /* NULL-terminated */
	struct user user;
	bool proxy_variables; /* set http_proxy and its like */
	bool alone; /* the job's first process ends with the calling one, as for `run` */
};

/* Exit statuses when the command did not run, as of env(1) and others. */
enum { EXIT_BEFORE = 125, EXIT_NOT_RUN = 126, EXIT_NOT_FOUND = 127 };

/*
 * Runs a command in a job whose fence stands and waits for it; signals that others send are passed on to it. `*status` is its exit
 * status, 128+n where signal n ended it, or one of the above with the reason in `failure`. Returns 0, or -errno
 * where there was no command to wait for. `lock` is given back once the command is in the job's cgroup, so that nobody ends the
 * job for want of processes before; -1: none.
 */
int job_execute(const struct job *job, int lock, const struct execution *execution,
	int *status, struct failure *failure);
