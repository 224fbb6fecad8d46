/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The state of a job that the programs read, in the storage of its cgroups. */

#include "jobfence/abi.h"
#include "lib/failure.h"
#include "node/maps.h"

/*
 * The rate of a job, and which part of the fence paces it. In bytes per second and
 * direction, 0: no limit.
 */
struct fence_rates {
	uint64_t rate;	 /* the rate that the job was given */
	uint64_t kernel; /* the same if the programs pace it, otherwise 0 */
	uint64_t proxy;	 /* the same if the proxy paces it, otherwise 0 */
};

/* The settings that the programs get when a fence is set up. */
struct fence_setup {
	uint64_t id;	   /* of the job's cgroup */
	uint64_t proxy_id; /* of the proxy's cgroup, 0: there is no proxy */
	enum network network;
	uint32_t flags; /* enum job_flags */
	struct fence_rates rates;
	struct endpoint proxy4, proxy6, dns4, dns6; /* port 0: there is none */
	struct endpoint resolvers[RESOLVERS_MAX];   /* unused ones have port 0 */
	uint32_t allowed_count;
	struct address_range allowed[ALLOWED_RANGES_MAX];
	struct address_range nat64[NAT64_PREFIXES_MAX]; /* unused ones have bits 0 */
};

/*
 * Gives the programs the settings of the job. Attaching the programs makes the storage
 * that this fills. Returns 0, or -errno with the failure noted.
 */
int state_write(const struct fence_setup *setup, const struct job_maps *maps,
	struct failure *failure);

/*
 * Gives the programs and the proxy new rates. `id` and `proxy_id` are as in struct
 * fence_setup. Returns 0 or -errno.
 */
int state_write_rates(const struct job_maps *maps, uint64_t id, uint64_t proxy_id,
	const struct fence_rates *rates);

/*
 * Reads how long a packet would wait in the kernel if it came now, in ns. Returns 0 or
 * -errno.
 */
int state_read_delays(const struct job_maps *maps, uint64_t id, uint64_t proxy_id,
	uint64_t *upload, uint64_t *download);

/*
 * Takes back everything that state_write() gave. From then on the programs refuse
 * everything, and know no connection. Returns 0, also if there is no storage, or -errno.
 */
int state_clear(const struct job_maps *maps, uint64_t id, uint64_t proxy_id);

/* Switches the trace of the proxy. Returns 0 or -errno. */
int state_write_trace(const struct job_maps *maps, bool on);
