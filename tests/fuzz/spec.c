// SPDX-License-Identifier: BSD-2-Clause
/* A job spec. An accepted spec says the same when it is written and read again. */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "policy/spec.h"
#include "lib/cleanup.h"
#include "lib/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The spec as text, without a name if it has none. */
static char *write_spec(const struct job_spec *spec)
{
	_json_ json_t *json = spec_to_json(spec);

	require(json);
	if (!spec->name[0])
		json_object_del(json, "job");
	return json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
}

static void require_same_again(const struct job_spec *spec)
{
	_cleanup_(spec_free) struct job_spec again = {};
	_free_ char *first = write_spec(spec), *second = NULL;
	struct failure failure = {};

	require(first);
	require(!spec_parse(&again, first, strlen(first), "written", &failure));
	require(!spec_finish(&again, &failure));
	second = write_spec(&again);
	require(second && !strcmp(first, second));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(spec_free) struct job_spec spec = {};
	struct failure failure = {};

	if (spec_parse(&spec, (const char *)data, size, "fuzzed", &failure) ||
		spec_finish(&spec, &failure)) {
		require(failure.status == STATUS_USAGE && failure.text[0]);
		for (const char *c = failure.text; *c; c++)
			require(!iscntrl((unsigned char)*c));
	} else {
		require_same_again(&spec);
	}
	return 0;
}
