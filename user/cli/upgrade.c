// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence upgrade`. */

#include "cli/select.h"
#include "job/upgrade.h"

static int upgrade_one(const char *name, void *data, struct failure *failure)
{
	const struct options *options = data;

	return job_upgrade(name, options->proxy, failure);
}

int upgrade_command(struct options *options, int *status, struct failure *failure)
{
	return select_jobs(options, "upgrade", upgrade_one, options, status, failure);
}
