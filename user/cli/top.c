// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence top`. */

#include <signal.h>

#include "cli/command.h"
#include "cli/top_batch.h"
#include "cli/top_screen.h"
#include "lib/cleanup.h"
#include "lib/clock.h"

int top_command(struct options *options, int *status, struct failure *failure)
{
	_cleanup_(top_sampler_close) struct top_sampler sampler = {
		.names = options->arguments, .labels = options->spec.labels
	};
	int ended_by = 0, error;

	(void)status;
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
