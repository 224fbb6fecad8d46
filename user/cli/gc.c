// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence gc`. */

#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "job/gc.h"
#include "job/versions.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "node/objects.h"
#include "oci/container_trust.h"

struct collected {
	json_t *removed, *failed;
	int *status;
	bool json;
};

static int note(const char *name, const struct failure *failure, void *data)
{
	struct collected *collected = data;

	if (failure) {
		json_t *entry =
			json_pack("{s:s, s:s}", "job", name, "reason", failure->text);

		*collected->status = STATUS_FAILED;
		report_failure(failure);
		return json_array_append_new(collected->failed, entry) ? -ENOMEM : 0;
	}
	if (!collected->json)
		printf("removed %s\n", name);
	return json_array_append_new(collected->removed, json_string(name)) ? -ENOMEM : 0;
}

int gc_command(struct options *options, int *status, struct failure *failure)
{
	_json_ json_t *result = json_pack("{s:[], s:[]}", "removed", "failed");
	struct collected collected = {
		.removed = json_object_get(result, "removed"),
		.failed = json_object_get(result, "failed"),
		.status = status,
		.json = options->json,
	};
	int error;

	if (options->count)
		return fail_as(failure, STATUS_USAGE,
			"gc takes no names; to end a job: jobfence down JOB");
	error = gc_run(options->spec.labels, note, &collected, failure);
	/*
	 * If something was left over, its version is unknown, and the programs of that
	 * version have to stay.
	 */
	if (!error && *status == STATUS_DONE && !json_object_size(options->spec.labels))
		error = gc_versions(failure);
	if (!error)
		error = container_trust_collect(note, &collected);
	if (!error && options->json)
		error = print_json(result);
	return error;
}
