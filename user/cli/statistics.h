/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the proxy of a job counted (jobfence/statistics.h), as `show` prints it. */

#include "job/usage.h"
#include "lib/json.h"

/* Prints it as lines of text. */
void statistics_print(const struct usage *usage);

/* Returns it as docs/json.md describes it, or NULL if there is no memory. */
json_t *statistics_to_json(const struct usage *usage);
