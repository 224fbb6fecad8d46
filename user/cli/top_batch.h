/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* `jobfence top --batch`: plain lines for scripts. docs/observe.md has the fields. */

#include "cli/options.h"
#include "cli/top_sample.h"

/* Prints the jobs after each interval. Returns 0, or -errno with the failure noted. */
int top_batch(struct top_sampler *sampler, const struct options *options,
	struct failure *failure);
