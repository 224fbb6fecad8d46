/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* A job as `show --json` prints it (docs/json.md). */

#include "job/health.h"
#include "job/usage.h"

/* Prints the job on standard output. Returns 0, or -errno as print_json(). */
int show_json(const struct job *job, enum condition condition, const struct usage *usage,
	struct failure *failure);
