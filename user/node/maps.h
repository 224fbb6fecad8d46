/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A job's maps: its own (domains, hits, limits, refused; learned where it learns), made with the types of the node's
 * templates, and
 * the node's (state, counters, connections and their count), pinned beside them so that a job's folder of pins holds all that
 * a job of that version needs.
 */

#include "job/job.h"

struct job_maps {
	int domains; /* all are descriptors, -1 where not open */
	int hits;
	int limits;
	int refused;
	int learned; /* -1 also where the job does not learn */
	int job;
	int upstream;
	int counters;
	int connections;
	int open_count;
};

#define JOB_MAPS_NONE \
	{ \
		-1, -1, -1, -1, -1, -1, -1, -1, -1, -1 \
	}

/* Makes and pins the maps that a job of that spec has, and fills in its domains. Returns 0 or -errno. */
int job_maps_make(const struct job_paths *paths, const struct job_spec *spec,
	struct job_maps *maps, struct failure *failure);

/* Opens the pinned maps of a job. Returns 0 or -errno. */
int job_maps_open(const struct job_paths *paths, struct job_maps *maps);

void job_maps_close(struct job_maps *maps);

/* Which element of `hits` counts for a declared domain. Returns it or -errno. */
int job_maps_hit(int domains, const struct declared_domain *domain);

/* Reads and writes the map `limits`. Return 0 or -errno. */
int job_limits_read(const struct job_maps *maps, struct job_limits *limits);
int job_limits_write(const struct job_maps *maps, const struct job_limits *limits);

/* Opens a map of the job again, so that the descriptor allows no writing. Returns it or -errno. */
int job_map_read_only(const struct job_paths *paths, const char *name);

/* Sums up the counters that a cgroup has on each CPU. Returns 0 or -errno. */
int job_counters_read(int counters, uint64_t cgroup, struct job_counters *sum);
