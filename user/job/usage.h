/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What a job did: the counters of its programs and the records of its proxy. */

#include "job/job.h"
#include "job/learned.h"

struct usage_refusal {
	struct refusal_key key;
	struct refusal refusal;
};

struct usage {
	struct job_counters job,
		proxy; /* of the programs on the job's cgroup, on its proxy's */
	/* How long a packet that comes now waits in the kernel, ns; 0 where the proxy paces. */
	uint64_t upload_delay, download_delay;
	uint64_t hits[DOMAINS_MAX];		     /* requests by index in spec.domains */
	struct usage_refusal refusals[REFUSALS_MAX]; /* of the proxy, sorted by name */
	size_t refusal_count;
	struct learned *learned; /* NULL where it does not learn */
};

/* Reads them while the job is up. usage_free() is due. Returns 0 or -errno. */
int usage_read(const struct job *job, struct usage **usage, struct failure *failure);
void usage_free(struct usage **usage);

/* A number as JSON, or null where there is none. */
json_t *number_or_null(bool there, json_int_t number);
