// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence down`: jobs by name, by label, or all. */

#include <string.h>

#include "cli/command.h"
#include "core/job.h"
#include "lib/cleanup.h"

/* Names that are collected first: jobs are not to vanish from the folder that is being read. */
struct names {
	const json_t *labels;
	json_t *list;
};

static int collect(const struct job *job, void *data)
{
	struct names *names = data;

	if (!job_has_labels(job, names->labels))
		return 0;
	return json_array_append_new(names->list, json_string(job->spec.name)) ? -ENOMEM
									       : 0;
}

/* Goes on after a failure, so that one job does not keep the others up. The first one counts. */
static void down_one(const char *name, int *status)
{
	struct failure failure = {};

	if (!job_down(name, &failure))
		return;
	report_failure(&failure);
	if (*status == STATUS_DONE)
		*status = (int)failure.status;
}

static int down_selected(struct options *options, int *status, struct failure *failure)
{
	_json_ json_t *list = json_array();
	struct names names = { .labels = options->spec.labels, .list = list };
	const json_t *name;
	size_t i;
	int error;

	if (!list)
		return fail(failure, -ENOMEM, "names of jobs");
	error = job_each(collect, &names, failure);
	if (error)
		return error;
	json_array_foreach(list, i, name) down_one(json_string_value(name), status);
	return 0;
}

int down_command(struct options *options, int *status, struct failure *failure)
{
	bool selected = options->all || json_object_size(options->spec.labels);

	if (selected == (options->count > 0))
		return fail_as(failure, STATUS_USAGE,
			"down needs either jobs, or --label K=V, or --all");
	if (selected)
		return down_selected(options, status, failure);
	for (int i = 0; i < options->count; i++)
		down_one(options->arguments[i], status);
	return 0;
}
