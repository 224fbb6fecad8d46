// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence upgrade`. */

#include "cli/select.h"
#include "core/upgrade.h"

int upgrade_command(struct options *options, int *status, struct failure *failure)
{
	return select_jobs(options, "upgrade", job_upgrade, status, failure);
}
