/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* All the jobs of this node. */

#include "job/job.h"

/*
 * Reads every complete job, in no order, and calls `visit` with each until `visit`
 * returns non-zero. A job whose record can't be read is marked as unreadable. Returns
 * what `visit` returned, 0 or -errno.
 */
int job_each(int (*visit)(const struct job *job, void *data), void *data,
	struct failure *failure);

/*
 * Finds the names of all jobs and leftovers, in all places where a job has entries. The
 * names become the keys of the object `names`. Some may be names that no job can have.
 * Returns 0 or -errno.
 */
int job_names_find(json_t *names, struct failure *failure);

/*
 * Calls `visit` with the name of each incomplete job until `visit` returns non-zero. An
 * interrupted command left such a job. A job that another command has locked is left
 * out. Returns what `visit` returned, 0 or -errno.
 */
int jobs_each_half_made(
	int (*visit)(const char *name, void *data), void *data, struct failure *failure);
