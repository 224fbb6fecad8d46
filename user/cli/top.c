// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence top`. */

#include <signal.h>

#include "cli/command.h"
#include "cli/top_batch.h"
#include "cli/top_screen.h"
#include "lib/cleanup.h"
#include "lib/clock.h"

/* A name may be of a job that comes later, but not every one. */
static int check_names(const struct options *options, struct failure *failure)
{
	struct job_paths paths;
	struct failure ignored;

	for (int i = 0; i < options->count; i++)
		if (!job_paths(options->arguments[i], &paths, &ignored) &&
			job_is_complete(&paths))
			return 0;
	if (!options->count)
		return 0;
	return options->count == 1
		       ? fail_as(failure, STATUS_NO_JOB,
				 "there is no job %s; see: jobfence list",
				 options->arguments[0])
		       : fail_as(failure, STATUS_NO_JOB,
				 "there are no jobs of these names; see: jobfence list");
}

int top_command(struct options *options, int *status, struct failure *failure)
{
	_cleanup_(top_sampler_close) struct top_sampler sampler = {
		.names = options->arguments, .labels = options->spec.labels
	};
	int ended_by = 0, error = check_names(options, failure);

	(void)status;
	if (error)
		return error;
	if (!options->interval)
		options->interval = 2 * SECOND;
	if (options->iterations && !options->batch)
		return fail_as(failure, STATUS_USAGE, "--iterations needs --batch");
	error = options->batch ? top_batch(&sampler, options, failure)
			       : top_screen(&sampler, options, &ended_by, failure);
	if (ended_by)
		raise(ended_by);
	return error;
}
