// SPDX-License-Identifier: BSD-2-Clause
/*
 * `jobfence oci-hook`: a hook of an OCI runtime. If it fails, the container does not
 * start.
 */

#include <string.h>

#include "cli/command.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "oci/hook.h"

int oci_hook_command(struct options *options, int *status, struct failure *failure)
{
	const char *stage = options->count == 1 ? options->arguments[0] : "";
	_json_ json_t *state = NULL;
	json_error_t problem;

	(void)status;
	if (strcmp(stage, "createRuntime") && strcmp(stage, "poststop"))
		return fail_as(failure, STATUS_USAGE,
			"oci-hook needs one word: createRuntime or poststop");
	state = json_loadf(stdin, JSON_REJECT_DUPLICATES, &problem);
	if (!json_is_object(state))
		return fail_as(failure, STATUS_USAGE,
			"standard input is not the state of a container: %s", problem.text);
	return strcmp(stage, "poststop")
		       ? oci_create(state, options->annotations, options->config, failure)
		       : oci_stop(state, options->annotations, failure);
}
