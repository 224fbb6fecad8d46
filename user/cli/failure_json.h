/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* A failure as JSON (docs/json.md). */

#include "lib/failure.h"
#include "lib/json.h"

/* The fields of `error`. `status` is that of the verb. NULL: there is no memory. */
json_t *failure_to_json(const struct failure *failure, int status);

/* The same for an array of jobs that failed: the job's name comes first. */
json_t *job_failure_to_json(const char *job, const struct failure *failure);

/*
 * Prints {"error": ...} on standard output, as the one document of a verb that failed
 * before it had another. If that fails, the line on standard error has to do.
 */
void failure_print_json(const struct failure *failure, int status);
