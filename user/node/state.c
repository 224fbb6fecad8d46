// SPDX-License-Identifier: BSD-2-Clause
/* See state.h. */

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/debugging.h"
#include "node/state.h"

static int write_limits(const struct job_maps *maps, const struct fence_rates *rates)
{
	struct job_limits limits;
	int error = job_limits_read(maps, &limits);

	if (error)
		return error;
	limits.rate = rates->rate;
	limits.paced = rates->proxy;
	limits.generation++;
	limits.trace |= debugging_proxy();
	return job_limits_write(maps, &limits);
}

int state_write_trace(const struct job_maps *maps, bool on)
{
	struct job_limits limits;
	int error = job_limits_read(maps, &limits);

	if (error)
		return error;
	limits.trace = on;
	return job_limits_write(maps, &limits);
}

static int write_job(const struct fence_setup *setup, const struct job_maps *maps)
{
	const __u64 none = 0;
	const struct job_state state = {
		.id = setup->id,
		.network = setup->network,
		.flags = setup->flags,
		.proxy4 = setup->proxy4,
		.proxy6 = setup->proxy6,
		.dns4 = setup->dns4,
		.dns6 = setup->dns6,
		.rate = setup->rates.kernel,
	};

	if (bpf_map_update_elem(maps->open_count, &setup->id, &none, BPF_ANY))
		return -errno;
	return bpf_map_update_elem(maps->job, &setup->id, &state, BPF_EXIST) ? -errno : 0;
}

static int write_upstream(const struct fence_setup *setup, const struct job_maps *maps)
{
	struct upstream_state state = {
		.job = setup->id,
		.proxy4 = setup->proxy4,
		.proxy6 = setup->proxy6,
		.dns4 = setup->dns4,
		.dns6 = setup->dns6,
		.allowed_count = setup->allowed_count,
		.network = setup->network,
		.rate = setup->rates.kernel,
	};

	memcpy(state.allowed, setup->allowed, sizeof(state.allowed));
	memcpy(state.nat64, setup->nat64, sizeof(state.nat64));
	memcpy(state.resolvers, setup->resolvers, sizeof(state.resolvers));
	return bpf_map_update_elem(maps->upstream, &setup->proxy_id, &state, BPF_EXIST)
		       ? -errno
		       : 0;
}

int state_write(const struct fence_setup *setup, const struct job_maps *maps,
	struct failure *failure)
{
	int error = setup->proxy_id ? write_upstream(setup, maps) : 0;

	if (!error)
		error = write_limits(maps, &setup->rates);
	if (!error)
		error = write_job(setup, maps);
	return error ? fail(failure, error, "cannot write the job's state") : 0;
}

/* How many ns a packet would wait for this departure time of a clock of the programs. */
static uint64_t wait_for(uint64_t departure)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	return departure > now ? departure - now : 0;
}

/*
 * Sets a new rate. The bytes that the clock already holds then take as long as they do at
 * the new rate.
 */
static void change_rate(__u64 *rate, __u64 *departure, uint64_t new)
{
	/*
	 * The pacer's horizon is five seconds. Five seconds times RATE_MAX do not
	 * overflow.
	 */
	if (*rate && new)
		*departure = clock_ns(CLOCK_MONOTONIC) + wait_for(*departure) * *rate / new;
	*rate = new;
}

/* The state is written whole. So a packet between reading and writing may be missing from
 * the clock. */
int state_write_rates(const struct job_maps *maps, uint64_t id, uint64_t proxy_id,
	const struct fence_rates *rates)
{
	struct upstream_state upstream;
	struct job_state state;

	if (bpf_map_lookup_elem(maps->upstream, &proxy_id, &upstream))
		return -errno;
	if (upstream.rate != rates->kernel) {
		change_rate(&upstream.rate, &upstream.departure, rates->kernel);
		if (bpf_map_update_elem(maps->upstream, &proxy_id, &upstream, BPF_EXIST))
			return -errno;
	}
	if (bpf_map_lookup_elem(maps->job, &id, &state))
		return -errno;
	if (state.rate != rates->kernel) {
		change_rate(&state.rate, &state.departure, rates->kernel);
		if (bpf_map_update_elem(maps->job, &id, &state, BPF_EXIST))
			return -errno;
	}
	return write_limits(maps, rates);
}

int state_read_delays(const struct job_maps *maps, uint64_t id, uint64_t proxy_id,
	uint64_t *upload, uint64_t *download)
{
	struct upstream_state upstream = {};
	struct job_state state;

	if (bpf_map_lookup_elem(maps->job, &id, &state))
		return -errno;
	if (proxy_id && bpf_map_lookup_elem(maps->upstream, &proxy_id, &upstream))
		return -errno;
	*upload = wait_for(state.departure);
	*download = wait_for(upstream.departure);
	return 0;
}

/* The map may be of another version, with values of another size. */
static int clear(int map, uint64_t cgroup)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	_free_ void *nothing = NULL;

	if (map < 0 || !cgroup)
		return 0;
	if (bpf_obj_get_info_by_fd(map, &info, &size))
		return -errno;
	nothing = calloc(1, info.value_size);
	if (!nothing)
		return -ENOMEM;
	return bpf_map_update_elem(map, &cgroup, nothing, BPF_EXIST) && errno != ENOENT
		       ? -errno
		       : 0;
}

static bool has_key_size(int map, size_t size)
{
	struct bpf_map_info info = {};
	__u32 length = sizeof(info);

	return !bpf_obj_get_info_by_fd(map, &info, &length) && info.key_size == size;
}

/*
 * Removes the entries that the job's sockets may have left in the map of connections. An
 * entry goes with its socket, unless the socket outlives the program that removes the
 * entry.
 */
static void purge_connections(const struct job_maps *maps, uint64_t id)
{
	struct connection_key key, next;
	__u64 open;
	bool more;

	if (bpf_map_lookup_elem(maps->open_count, &id, &open) ||
		bpf_map_delete_elem(maps->open_count, &id) || !open ||
		!has_key_size(maps->connections, sizeof(key)))
		return;
	more = !bpf_map_get_next_key(maps->connections, NULL, &next);
	while (more) {
		key = next;
		more = !bpf_map_get_next_key(maps->connections, &key, &next);
		if (key.job == id)
			bpf_map_delete_elem(maps->connections, &key);
	}
}

int state_clear(const struct job_maps *maps, uint64_t id, uint64_t proxy_id)
{
	int error = clear(maps->job, id);

	if (!error)
		error = clear(maps->upstream, proxy_id);
	/*
	 * From here on the job opens no connection. A job of another version may lack
	 * this map.
	 */
	if (maps->open_count >= 0)
		purge_connections(maps, id);
	return error;
}
