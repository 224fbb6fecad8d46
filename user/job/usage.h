/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The usage of a job, read from the counters of its programs and the records of its
 * proxy.
 */

#include "job/job.h"
#include "job/learned.h"

struct usage_refusal {
	struct refusal_key key;
	struct refusal refusal;
};

/* All that a double holds exactly, so that every reader of JSON reads it alike. */
#define STATISTIC_MAX (1ULL << 53)

struct usage {
	/* The counters of the programs on the job's cgroup, and on the proxy's. */
	struct job_counters job, proxy;
	/*
	 * Of the proxy, as all that follows. No number is larger than STATISTIC_MAX, and no
	 * time is later than now.
	 */
	struct proxy_statistics statistics;
	/* The time in ns in which the throttle held bytes back, whoever paces. */
	uint64_t throttled_upload, throttled_download;
	/*
	 * The time that a new packet waits in the kernel, in ns. 0 if the proxy paces.
	 */
	uint64_t upload_delay, download_delay;
	struct domain_use domains[DOMAINS_MAX]; /* by index in spec.domains */
	struct usage_refusal *refusals;		/* by the proxy, sorted by name */
	size_t refusal_count;
	struct learned *learned;	     /* NULL: the job does not learn */
	struct learned_rules *learned_rules; /* the same */
};

/*
 * Reads the numbers alone, without the lists by name: no hits, refusals and learned names.
 * It needs nothing but to read the pins (CAP_DAC_READ_SEARCH). Otherwise as usage_read().
 */
int usage_read_numbers(
	const struct job *job, struct usage **usage, struct failure *failure);

/*
 * Reads the usage of a job that is up. The caller frees it with usage_free(). Returns
 * 0, or -errno with the failure noted.
 */
int usage_read(const struct job *job, struct usage **usage, struct failure *failure);
void usage_free(struct usage **usage);

/*
 * Reads only the counters and the statistics of a job, up to `throttled_download`. Of the
 * maps, `counters` and `statistics` must be open. Returns 0 or -errno.
 */
int usage_read_counts(
	const struct job *job, const struct job_maps *maps, struct usage *usage);

/*
 * How often something of the job was refused: by its proxy, and by the kernel at the job's
 * own processes. What the kernel refused to the proxy is among the former. Packets that the
 * throttle dropped are not counted (REASON_HORIZON).
 */
uint64_t usage_refused_for(const struct usage *usage, enum reason reason);
/* The sum over all reasons. */
uint64_t usage_refused(const struct usage *usage);
