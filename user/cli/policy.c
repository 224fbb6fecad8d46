// SPDX-License-Identifier: BSD-2-Clause
/*
 * `jobfence policy check`, which an executor asks before it bids on a job. `up` and `run`
 * ask the same. `jobfence policy features` is in features.c.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/features.h"
#include "job/admit.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "policy/admission.h"

static struct admission admission_of(struct options *options, const struct policy *policy)
{
	return (struct admission){ .policy = policy,
		.spec = &options->spec,
		.signed_text = options->spec_text,
		.signed_length = options->spec_length,
		.signature = options->signature };
}

int admit(struct options *options, struct job *job, struct failure *failure)
{
	struct admission admission = admission_of(options, NULL);
	int error;

	job->shares = TAKE(options->shares, NULL);
	error = job_admit(job, &admission, options->config, failure);
	if (error)
		return error;
	job->spec = TAKE(options->spec, (struct job_spec){});
	return 0;
}

static int print_answer(const json_t *violations)
{
	_json_ json_t *answer = json_pack("{s:b, s:O}", "accepted",
		json_array_size(violations) == 0, "reasons", violations);

	return print_json(answer);
}

/* Prints the first violation, or all, on standard error as `up` does. */
static void print_reasons(const json_t *violations, bool all)
{
	struct failure failure;
	const json_t *violation;
	size_t i;

	json_array_foreach (violations, i, violation) {
		if (i && !all)
			break;
		fail_as(&failure, STATUS_POLICY, "%s",
			json_string_value(json_object_get(violation, "reason")));
		report_failure(&failure);
	}
}

static int check(struct options *options, int *status, struct failure *failure)
{
	_cleanup_(policy_free) struct policy policy = {};
	struct admission admission = admission_of(options, &policy);
	_json_ json_t *violations = json_array();
	int error;

	error = policy_load(&policy, options->config, failure);
	if (!error)
		error = admission_settle(&admission, failure);
	if (error)
		return error;
	error = violations ? admission_check(
				     &admission, options->all || options->json, violations)
			   : -ENOMEM;
	if (!error && options->json)
		error = print_answer(violations);
	if (error)
		return fail(failure, error, "cannot check the job");
	*status = json_array_size(violations) ? STATUS_POLICY : STATUS_DONE;
	if (!options->json && *status == STATUS_DONE)
		printf("accepted: network %s\n", network_name(options->spec.network));
	else if (!options->json)
		print_reasons(violations, options->all);
	return 0;
}

/* Options that are about a job would have no effect on what the node accepts. */
static bool describes_job(const struct options *options)
{
	const char *bytes = (const char *)&options->spec;
	bool given = options->spec_text || options->signature || options->all;

	for (size_t i = 0; !given && i < sizeof(options->spec); i++)
		given = bytes[i] != 0;
	return given;
}

int policy_command(struct options *options, int *status, struct failure *failure)
{
	const char *word = options->count == 1 ? options->arguments[0] : "";

	if (!strcmp(word, "check"))
		return check(options, status, failure);
	if (!strcmp(word, "features"))
		return describes_job(options)
			       ? fail_as(failure, STATUS_USAGE,
					 "policy features takes no options of a job")
			       : features_print(options, failure);
	return fail_as(failure, STATUS_USAGE, "policy needs one word: check or features");
}
