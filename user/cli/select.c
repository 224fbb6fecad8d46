// SPDX-License-Identifier: BSD-2-Clause
/* See select.h. */

#include <errno.h>

#include "cli/failure_json.h"
#include "cli/select.h"
#include "job/jobs.h"
#include "lib/cleanup.h"
#include "lib/json.h"

/* Names are collected first, so that no job vanishes from the folder while it is read. */
struct names {
	const json_t *labels;
	json_t *list;
};

static int collect(const struct job *job, void *data)
{
	struct names *names = data;

	if (!spec_has_labels(&job->spec, names->labels))
		return 0;
	return json_array_append_new(names->list, json_string(job->spec.name)) ? -ENOMEM
									       : 0;
}

/*
 * If a job was `found` and not named, it may have ended since. Then nothing is left to
 * do.
 */
static int change_one(const char *name, bool found,
	int (*change)(const char *name, void *data, struct failure *failure), void *data,
	json_t *failed, int *status)
{
	struct failure failure = {};

	if (!change(name, data, &failure) || (found && failure.status == STATUS_NO_JOB))
		return 0;
	report_failure(&failure);
	if (*status == STATUS_DONE)
		*status = (int)failure.status;
	return failed && json_array_append_new(failed, job_failure_to_json(name, &failure))
		       ? -ENOMEM
		       : 0;
}

int select_jobs(struct options *options, const char *verb,
	int (*change)(const char *name, void *data, struct failure *failure), void *data,
	json_t *failed, int *status, struct failure *failure)
{
	bool selected = options->all || json_object_size(options->spec.labels);
	_json_ json_t *list = json_array();
	struct names names = { .labels = options->spec.labels, .list = list };
	const json_t *name;
	size_t i;
	int error = 0;

	if (selected == (options->count > 0))
		return fail_as(failure, STATUS_USAGE,
			"%s needs either jobs, or --label K=V, or --all", verb);
	for (int at = 0; !error && at < options->count; at++)
		error = change_one(
			options->arguments[at], false, change, data, failed, status);
	if (!selected)
		return error;
	error = list ? job_each(collect, &names, failure)
		     : fail(failure, -ENOMEM, "names of jobs");
	if (error)
		return error;
	json_array_foreach (list, i, name)
		if (!error)
			error = change_one(json_string_value(name), true, change, data,
				failed, status);
	return error;
}
