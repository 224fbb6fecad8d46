// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence update`: changes the domains and the rate of a running job. */

#include "cli/command.h"
#include "job/update.h"
#include "lib/cleanup.h"
#include "lib/json.h"

int update_command(struct options *options, int *status, struct failure *failure)
{
	_cleanup_(policy_free) struct policy policy = {};
	_cleanup_(job_free) struct job job = {};
	_json_ json_t *json = NULL;
	const struct job_change change = { .add = options->add_domains,
		.remove = options->remove_domains,
		.secrets = options->new_secrets,
		.rate = options->new_rate,
		.trace = options->new_trace,
		.policy = &policy };
	int error;

	(void)status;
	if (options->count != 1)
		return fail_as(failure, STATUS_USAGE, "update needs the name of one job");
	if (!change.rate && !change.trace && !*change.secrets && !*change.add &&
		!*change.remove)
		return fail_as(failure, STATUS_USAGE,
			"update needs --rate, --trace, --secret, --add-domain or --remove-domain");
	/* Removing domains needs no consent of the policy. */
	error = change.rate || *change.add ? policy_load(&policy, options->config, failure)
					   : 0;
	if (!error)
		error = job_update(options->arguments[0], &change, failure);
	if (error || !options->json)
		return error;
	error = job_read(&job, options->arguments[0], failure);
	json = error ? NULL : job_to_json(&job);
	return error ? error : print_json(json);
}
