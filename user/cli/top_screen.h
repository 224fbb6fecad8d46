/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The live screen of `jobfence top`, by ncurses. */

#include "cli/options.h"
#include "cli/top_sample.h"

/*
 * Shows the jobs until the user quits, the terminal goes away or a signal comes. Restores
 * the terminal in every case. `*signal` becomes a signal that the caller must die of, or
 * 0. Returns 0, or -errno with the failure noted.
 */
int top_screen(struct top_sampler *sampler, const struct options *options, int *signal,
	struct failure *failure);
