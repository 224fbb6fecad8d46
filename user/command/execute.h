/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Running a command in a job. */

#include "command/user.h"
#include "job/job.h"

struct execution {
	char *const *arguments; /* NULL-terminated */
	struct user user;
	bool proxy_variables; /* set http_proxy and its like */
	/* The job's first process ends together with the calling process, as for `run`. */
	bool alone;
};

/* Exit statuses of a command that did not run, as env(1) and others have them. */
enum { EXIT_BEFORE = 125, EXIT_NOT_RUN = 126, EXIT_NOT_FOUND = 127 };

/*
 * Runs a command in a job whose fence stands, and waits for the command. Signals that
 * others send to jobfence are forwarded to the command.
 *
 * `*status` is the exit status of the command, or 128+n if signal n ended it. If the
 * command did not run, `*status` is one of the above, and `failure` has the reason.
 *
 * `lock` is released once the command is in the job's cgroup. Before that, others could
 * end the job because it has no processes. -1: no lock.
 *
 * Returns 0, or -errno if there was no command to wait for.
 */
int job_execute(const struct job *job, int lock, const struct execution *execution,
	int *status, struct failure *failure);
