/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What `show`, `list` and the detail of `top` print of a job in the same way. */

#include <stdio.h>

#include "job/health.h"

/* The end of a noun that is counted. */
static inline const char *plural(unsigned long long count)
{
	return count == 1 ? "" : "s";
}

/*
 * Prints the state with what helps, when the job began, and its network with the rate that
 * holds now, in bits per second. A job without a proxy has no rate.
 */
void print_job(FILE *to, const struct job *job, enum condition condition, uint64_t rate);

/* Prints a blank and KEY=VALUE for each label. */
void print_labels(FILE *to, json_t *labels);

/* Prints a name that the proxy refused. */
void print_refused_name(FILE *to, const struct refusal_key *key);
