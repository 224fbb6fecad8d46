/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* All the jobs of this node. */

#include "job/job.h"

/* Reads every job, in no order, and calls `visit` with each until it returns non-zero; one whose record can't be read is
 * marked so. What is not whole is left out.
 * Returns what `visit` did, 0 or -errno. */
int job_each(int (*visit)(const struct job *job, void *data), void *data,
	struct failure *failure);

/* Finds the names of all that jobs and interrupted commands have left anywhere, as the keys of the object `names`; some may be
 * none that a job can have. Returns 0 or -errno. */
int job_names_find(json_t *names, struct failure *failure);

/* Calls `visit` with the name of each job that is not whole until it returns non-zero: what an interrupted command left. One
 * that a command is busy with now is left out. Returns what `visit` did, 0 or -errno. */
int half_made_each(
	int (*visit)(const char *name, void *data), void *data, struct failure *failure);
