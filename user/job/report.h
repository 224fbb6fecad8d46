/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A job as `show --json` prints it (docs/json.md), and the final report of a job that
 * ends, which says the same.
 */

#include "job/usage.h"
#include "lib/json.h"

/*
 * Returns the report of a job in that state (a word). `usage` is NULL if its counters can't
 * be read, as those of another FENCE_ABI; their fields are null then. Returns NULL if there
 * is no memory.
 */
json_t *job_report(const struct job *job, const char *state, const struct usage *usage);

/* The report of a job of which only the name and the state are known. */
json_t *job_report_name(const char *name, const char *state);
