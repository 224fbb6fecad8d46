// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence down`. It also prints the names that a job learned. */

#include "cli/learning.h"
#include "cli/select.h"
#include "job/down.h"
#include "lib/cleanup.h"

/*
 * Opens the names that a job learned, which outlive the job in the descriptor. -1: it
 * does not learn.
 */
static int open_learned(const char *name)
{
	_cleanup_(job_free) struct job job = {};
	struct failure ignored;

	return !job_read(&job, name, &ignored) && job.spec.learn ? learned_open(&job.paths)
								 : -1;
}

static int down_one(const char *name, void *data, struct failure *failure)
{
	const struct learning *learning = data;
	_fd_ int learned = open_learned(name);
	int error = job_down(name, failure);

	return error || learned < 0 ? error
				    : learning_print(learning, name, learned, failure);
}

int down_command(struct options *options, int *status, struct failure *failure)
{
	_cleanup_(learning_close) struct learning learning = {};
	int error = learning_begin(&learning, options, failure);

	return error ? error
		     : select_jobs(options, "down", down_one, &learning, status, failure);
}
