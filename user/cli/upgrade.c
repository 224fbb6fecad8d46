// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence upgrade`. */

#include "cli/select.h"
#include "core/upgrade.h"

static int upgrade_one(const char *name, void *data, struct failure *failure)
{
	(void)data;
	return job_upgrade(name, failure);
}

int upgrade_command(struct options *options, int *status, struct failure *failure)
{
	return select_jobs(options, "upgrade", upgrade_one, NULL, status, failure);
}
