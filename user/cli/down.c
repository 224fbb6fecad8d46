// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence down`. It also prints the names that a job learned, and its final report. */

#include <errno.h>

#include "cli/learning.h"
#include "cli/select.h"
#include "job/down.h"
#include "lib/cleanup.h"
#include "lib/json.h"

struct ending {
	struct learning learning;
	bool print_learned;
	json_t *ended; /* final reports; NULL without --json */
};

/*
 * Opens what a job learned, which outlives the job in the descriptors. Returns whether it
 * learns.
 */
static bool open_learned(const char *name, struct learned_maps *maps)
{
	struct job_spec spec = {};
	struct job_paths paths;
	struct failure ignored;

	return !spec_set_name(&spec, name, &ignored) &&
	       !job_paths(name, &paths, &ignored) && !learned_open(&paths, maps) &&
	       job_is_complete(&paths);
}

static int down_one(const char *name, void *data, struct failure *failure)
{
	struct ending *ending = data;
	_cleanup_(learned_close) struct learned_maps maps = LEARNED_MAPS_NONE;
	bool learned = ending->print_learned && open_learned(name, &maps);
	_json_ json_t *last = NULL;
	int error = job_down(name, ending->ended ? &last : NULL, failure);

	if (!error && ending->ended && json_array_append(ending->ended, last))
		error = fail(failure, -ENOMEM, "the final report of job %s", name);
	return error || !learned ? error
				 : learning_print(&ending->learning, name, &maps, failure);
}

int down_command(struct options *options, int *status, struct failure *failure)
{
	_json_ json_t *result =
		options->json ? json_pack("{s:[], s:[]}", "ended", "failed") : NULL;
	struct ending ending = { .ended = json_object_get(result, "ended"),
		/* In JSON they are part of the final report. */
		.print_learned = !options->json || options->learn_output };
	int error = learning_begin(&ending.learning, options, failure);

	if (!error)
		error = options->json && !result
				? -ENOMEM
				: select_jobs(options, "down", down_one, &ending,
					  json_object_get(result, "failed"), status,
					  failure);
	learning_close(&ending.learning);
	return error || !options->json ? error : print_json(result);
}
