// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence update`: domains and rate of a job that runs. */

#include "cli/command.h"
#include "core/update.h"

int update_command(struct options *options, int *status, struct failure *failure)
{
	const struct job_change change = { .add = options->add_domains,
		.remove = options->remove_domains,
		.rate = options->new_rate };

	(void)status;
	if (options->count != 1)
		return fail_as(failure, STATUS_USAGE, "update needs the name of one job");
	if (!change.rate && !*change.add && !*change.remove)
		return fail_as(failure, STATUS_USAGE,
			"update needs --rate, --add-domain or --remove-domain");
	return job_update(options->arguments[0], &change, failure);
}
