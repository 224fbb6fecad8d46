/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Prints what a job learned when it ends: --learn-output and --learn-collapse. */

#include "cli/options.h"
#include "job/learned.h"

struct learning {
	FILE *file; /* NULL: standard output */
	const char *path;
	size_t collapse; /* 0: never */
};

/*
 * Opens the file before a job begins or ends, so that no job learns in vain.
 * learning_close() is due. Returns 0 or -errno.
 */
int learning_begin(
	struct learning *learning, const struct options *options, struct failure *failure);
void learning_close(struct learning *learning);

/* Prints what is in the maps of learned_open(). Returns 0 or -errno. */
int learning_print(const struct learning *learning, const char *job,
	const struct learned_maps *maps, struct failure *failure);
