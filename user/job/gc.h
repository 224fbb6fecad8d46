/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Finding and removing what belongs to no living job. */

#include <jansson.h>

#include "lib/failure.h"

/*
 * Without labels (an empty object): ends the jobs that are dead (see job_is_dead) and removes what interrupted commands
 * have left, whatever part of it is there. With labels: ends every job that has them all, as `down` does; what is only half
 * there has no labels. Calls `visit` with each name and the failure that kept it from being removed, NULL where it was.
 * A job that another command is busy with comes last. Where that command does not end within seconds, the job is passed over, and
 * the failure names the command's process. Returns 0 or -errno.
 */
int job_collect(const json_t *labels,
	int (*visit)(const char *name, const struct failure *failure, void *data),
	void *data, struct failure *failure);
