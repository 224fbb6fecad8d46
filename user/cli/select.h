/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Verbs for some jobs: by name, by label, or all. */

#include "cli/command.h"

/*
 * Calls `change` with `data` and the name of each job that the options select. A failure
 * is reported, and the next job follows. It is appended to the array `failed`, unless that
 * is NULL. The status of the first failure is left in *status.
 *
 * Returns 0, or -errno with the failure noted if nothing was selected or the jobs can't be
 * found.
 */
int select_jobs(struct options *options, const char *verb,
	int (*change)(const char *name, void *data, struct failure *failure), void *data,
	json_t *failed, int *status, struct failure *failure);
