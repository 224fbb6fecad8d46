// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence down`. */

#include "cli/select.h"
#include "core/job.h"

int down_command(struct options *options, int *status, struct failure *failure)
{
	return select_jobs(options, "down", job_down, status, failure);
}
