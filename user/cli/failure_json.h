/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* A failure as JSON (docs/json.md). */

#include "lib/failure.h"
#include "lib/json.h"

/*
 * A failure in an array of jobs that failed, with the job's name before the fields of
 * `error`. NULL: there is no memory.
 */
json_t *job_failure_to_json(const char *job, const struct failure *failure);

/*
 * Prints {"error": ...} on standard output, as the one document of a verb that failed
 * before it had another. If that fails, the line on standard error has to do.
 */
void failure_print_json(const struct failure *failure, int status);
