// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence down`: jobs by name, by label, or all. */

#include <string.h>

#include "cli/command.h"
#include "cli/learning.h"
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

/* The names that a job learned, as long as the descriptor is open; -1 where it does not learn. */
static int open_learned(const char *name)
{
	_cleanup_(job_free) struct job job;
	struct failure ignored;
	int error = job_init(&job);

	if (!error)
		error = job_read(&job, name, &ignored);
	return !error && job.spec.learn ? learned_open(&job.paths) : -1;
}

/* Goes on after a failure, so that one job does not keep the others up. The first one counts. */
static void down_one(const char *name, const struct learning *learning, int *status)
{
	_fd_ int learned = open_learned(name);
	struct failure failure = {};
	int error = job_down(name, &failure);

	if (!error && learned >= 0)
		error = learning_print(learning, name, learned, &failure);
	if (!error)
		return;
	report_failure(&failure);
	if (*status == STATUS_DONE)
		*status = (int)failure.status;
}

static int down_selected(struct options *options, const struct learning *learning,
	int *status, struct failure *failure)
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
	json_array_foreach(list, i, name)
		down_one(json_string_value(name), learning, status);
	return 0;
}

int down_command(struct options *options, int *status, struct failure *failure)
{
	bool selected = options->all || json_object_size(options->spec.labels);
	_cleanup_(learning_close) struct learning learning = {};
	int error;

	if (selected == (options->count > 0))
		return fail_as(failure, STATUS_USAGE,
			"down needs either jobs, or --label K=V, or --all");
	error = learning_begin(&learning, options, failure);
	if (error)
		return error;
	if (selected)
		return down_selected(options, &learning, status, failure);
	for (int i = 0; i < options->count; i++)
		down_one(options->arguments[i], &learning, status);
	return 0;
}
