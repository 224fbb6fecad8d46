/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Finds and removes dead jobs and leftovers. */

#include <jansson.h>

#include "lib/failure.h"

/*
 * Ends jobs and removes leftovers. Calls `visit` with each name, and with the failure
 * that kept it from being removed. NULL: it was removed.
 *
 * Without labels (an empty object) gc ends the jobs that are dead (dead.h). It
 * also removes all leftovers of interrupted commands.
 *
 * With labels gc ends every job that has all of them, as `down` does. An incomplete job
 * has the labels that `up` wrote first.
 *
 * Jobs that another command has locked come last. gc waits 3 seconds for all of them,
 * but at least one second for each. A job that is still locked then is passed over, and
 * the failure names the process of the command. Returns 0 or -errno.
 */
int gc_run(const json_t *labels,
	int (*visit)(const char *name, const struct failure *failure, void *data),
	void *data, struct failure *failure);
