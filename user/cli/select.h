/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Verbs for some jobs: by name, by label, or all. */

#include "cli/command.h"

/*
 * Calls `change` with the name of each job, and with `data`, that the options select. Goes on after a failure, so that one job does not
 * keep the others up: it is reported, and the first one's status is left in *status. Returns 0, or -errno with the failure
 * noted where nothing was selected or jobs can't be found.
 */
int select_jobs(struct options *options, const char *verb,
	int (*change)(const char *name, void *data, struct failure *failure), void *data,
	int *status, struct failure *failure);
