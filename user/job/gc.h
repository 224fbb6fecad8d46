/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Finding and removing what belongs to no living job. */

#include <jansson.h>

#include "lib/failure.h"

/*
 * Ends jobs and removes leftovers, and calls `visit` with each name and the failure that kept
 * it from being removed. NULL: it was removed.
 *
 * Without labels (an empty object) it ends the jobs that are dead (see job_is_dead), and
 * removes all parts that interrupted commands left behind. With labels it ends every job that
 * has them all, as `down` does. A job that is not complete has the labels that `up` wrote
 * first.
 *
 * A job that another command is at work on comes last. If that command does not end within
 * seconds, the job is passed over, and the failure names the command's process. Returns 0 or
 * -errno.
 */
int job_collect(const json_t *labels,
	int (*visit)(const char *name, const struct failure *failure, void *data),
	void *data, struct failure *failure);
