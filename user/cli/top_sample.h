/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Samples the jobs of this node for `jobfence top`. Descriptors of a job's maps and of its
 * proxy stay open from one round to the next. So a round takes a few reads for each job.
 *
 * What takes longer is read for some jobs in each round, in turn: the memory of a proxy,
 * and whether the fence is in place. The end of a proxy is seen in the same round.
 */

#include "cli/top_model.h"
#include "job/job.h"
#include "job/usage.h"

/* This part of each interval may go into close looks: 1 %. */
#define TOP_CLOSELY 100

struct top_watch;

struct top_sampler {
	/* Which jobs, as a list of names that ends with NULL. Empty: all. */
	char *const *names;
	const json_t *labels;	    /* that each job has; NULL: any */
	struct top_watch **watches; /* sorted by name */
	size_t count;
	size_t turn; /* whose turn it is to be looked at closely */
	struct usage usage;
};

/*
 * Takes a sample. Looks closely at jobs for at most `patience` ns of processor time, but
 * at one job at least. Returns 0, or -errno with the failure noted.
 */
int top_sample(struct top_sampler *sampler, uint64_t patience, struct failure *failure);
void top_sampler_close(struct top_sampler *sampler);

/*
 * The jobs of the last sample. Fills in `jobs`, which has room for `count` of the sampler.
 * They live until the next sample. Returns how many there are.
 */
size_t top_jobs(const struct top_sampler *sampler, const struct top_job **jobs);
