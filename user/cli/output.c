// SPDX-License-Identifier: BSD-2-Clause
/* See output.h. */

#include <errno.h>
#include <stdio.h>

#include "cli/output.h"

int print_json(const json_t *json)
{
	if (!json)
		return -ENOMEM;
	json_dumpf(json, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	putchar('\n');
	return 0;
}
