/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "job/usage.h"
#include "lib/json.h"

/*
 * Returns what the proxy of a job counted (jobfence/statistics.h) as docs/json.md describes
 * it, or NULL if there is no memory.
 */
json_t *statistics_to_json(const struct usage *usage);

/* The counts of refusals by reason, without those that are 0. NULL: there is no memory. */
json_t *refused_to_json(const __u64 refused[REASON_COUNT]);
