// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence upgrade`. */

#include <errno.h>

#include "cli/select.h"
#include "job/upgrade.h"
#include "lib/cleanup.h"
#include "lib/json.h"

struct upgrade {
	bool proxy;
	json_t *upgraded; /* names; NULL without --json */
};

static int upgrade_one(const char *name, void *data, struct failure *failure)
{
	const struct upgrade *upgrade = data;
	int error = job_upgrade(name, upgrade->proxy, failure);

	if (!error && upgrade->upgraded &&
		json_array_append_new(upgrade->upgraded, json_string(name)))
		error = -ENOMEM;
	return error;
}

int upgrade_command(struct options *options, int *status, struct failure *failure)
{
	_json_ json_t *result =
		options->json ? json_pack("{s:[], s:[]}", "upgraded", "failed") : NULL;
	struct upgrade upgrade = { .proxy = options->proxy,
		.upgraded = json_object_get(result, "upgraded") };
	int error = options->json && !result
			    ? -ENOMEM
			    : select_jobs(options, "upgrade", upgrade_one, &upgrade,
				      json_object_get(result, "failed"), status, failure);

	return error || !options->json ? error : print_json(result);
}
