/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A job's maps. Its own maps (domains, hits, limits, statistics, refused, and learned and
 * learned_rules if the job learns) are made with the types of the node's templates. The
 * node's maps (job, upstream, counters, connections, open_count) are shared by all jobs,
 * and pinned beside the job's own. So the job's folder of pins holds all the maps that a
 * job of that version needs.
 */

#include <stdbool.h>
#include <stdint.h>

#include "jobfence/abi.h"
#include "lib/failure.h"
#include "names/domains.h"
#include "node/paths.h"

/* Descriptors. -1: not open. */
struct job_maps {
	int domains;
	int hits;
	int limits;
	int statistics;
	int refused;
	int learned, learned_rules; /* also -1 if the job does not learn */
	int job;
	int upstream;
	int counters;
	int connections;
	int open_count;
};

#define JOB_MAPS_NONE \
	{ \
		-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1 \
	}

/* The initial contents of a job's maps. */
struct map_contents {
	const struct domains *domains; /* domains that the job may reach */
	const struct domains *denied;  /* refused, unless a declared domain is narrower */
	bool learns;		       /* the job gets the maps for it */
};

/* Makes and pins the maps of a job, and fills in its domains. Returns 0 or -errno. */
int job_maps_make(const struct job_paths *paths, const struct map_contents *contents,
	struct job_maps *maps, struct failure *failure);

/* Opens the pinned maps of a job. Returns 0 or -errno. */
int job_maps_open(const struct job_paths *paths, struct job_maps *maps);

/* Opens those alone that it shares with all jobs, which is enough for state_clear(). */
int job_maps_open_shared(const struct job_paths *paths, struct job_maps *maps);

void job_maps_close(struct job_maps *maps);

/*
 * Finds the element of `hits` that counts for a declared domain. Returns its index or
 * -errno. A tree whose own name is denied still has one.
 */
int job_maps_hit(int domains, const struct declared_domain *domain);

/* Read and write the map `limits`. Return 0 or -errno. */
int job_limits_read(const struct job_maps *maps, struct job_limits *limits);
int job_limits_write(const struct job_maps *maps, const struct job_limits *limits);

/* Reads the map `statistics`. Returns 0 or -errno. */
int job_statistics_read(const struct job_maps *maps, struct proxy_statistics *statistics);

/* Opens a map of the job for reading only. Returns a descriptor or -errno. */
int job_map_read_only(const struct job_paths *paths, const char *name);

/*
 * Reads the entries of `refused` or `learned` into arrays with room for `*count`, which
 * becomes how many there are. It is one call. A walk from key to key would begin anew with
 * each name that the proxy removes meanwhile. Returns 0 or -errno.
 */
int job_map_read_all(int map, void *keys, void *values, __u32 *count);

/* Sums up the counters that a cgroup has on each CPU. Returns 0 or -errno. */
int job_counters_read(int counters, uint64_t cgroup, struct job_counters *sum);
