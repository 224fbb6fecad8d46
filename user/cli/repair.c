// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence repair`. */

#include "cli/command.h"
#include "job/repair.h"
#include "lib/cleanup.h"
#include "lib/json.h"

int repair_command(struct options *options, int *status, struct failure *failure)
{
	_cleanup_(job_free) struct job job = {};
	_json_ json_t *json = NULL;
	int error;

	(void)status;
	if (options->count != 1)
		return fail_as(failure, STATUS_USAGE, "repair needs the name of one job");
	error = job_repair(&job, options->arguments[0], failure);
	if (error)
		return error;
	warn_of_node(&job);
	json = options->json ? job_to_json(&job) : NULL;
	return options->json ? print_json(json) : 0;
}
