// SPDX-License-Identifier: BSD-2-Clause
/* See maps.h. */

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/files.h"
#include "node/maps.h"
#include "node/objects.h"

struct map_row {
	const char *name;
	size_t offset; /* of its descriptor in struct job_maps */
	bool own;      /* made for the job, from the template of that name */
	bool learning; /* only jobs that learn have it */
	bool newer;    /* jobs of other versions may lack it */
};

#define ROW(name, own, learning) \
	{ \
#name, offsetof(struct job_maps, name), own, learning \
	}
static const struct map_row rows[] = {
	ROW(domains, true, false),
	ROW(hits, true, false),
	ROW(limits, true, false),
	ROW(statistics, true, false),
	ROW(refused, true, false),
	ROW(learned, true, true),
	ROW(learned_rules, true, true),
	ROW(job, false, false),
	ROW(upstream, false, false),
	ROW(counters, false, false),
	ROW(connections, false, false),
	{ "open_count", offsetof(struct job_maps, open_count), .newer = true },
};

static int *map_fd(struct job_maps *maps, const struct map_row *row)
{
	return (int *)((char *)maps + row->offset);
}

static int map_path(char path[PATH_SIZE], const struct job_paths *paths, const char *name)
{
	return path_format(path, "%s/maps/%s", paths->pins, name);
}

/*
 * Makes a map like the template, with its types, so that bpftool shows names and fields.
 * bpf_map_create() of libbpf would load two programs first, to find out whether the kernel
 * is older than Linux 5.11.
 */
static int make_like(int template, const char *name)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	union bpf_attr map = {};
	_fd_ int btf = -1;
	long fd;

	if (bpf_obj_get_info_by_fd(template, &info, &size))
		return -errno;
	btf = bpf_btf_get_fd_by_id(info.btf_id);
	if (btf < 0)
		return -errno;
	map.map_type = info.type;
	map.key_size = info.key_size;
	map.value_size = info.value_size;
	map.max_entries = info.max_entries;
	map.map_flags = info.map_flags;
	map.btf_fd = (__u32)btf;
	map.btf_key_type_id = info.btf_key_type_id;
	map.btf_value_type_id = info.btf_value_type_id;
	snprintf(map.map_name, sizeof(map.map_name), "%s", name);
	fd = syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof(map));
	return fd < 0 ? -errno : (int)fd;
}

static int make_one(
	const struct job_paths *paths, const struct map_row *row, struct job_maps *maps)
{
	_fd_ int shared = objects_map(row->name);
	int *fd = map_fd(maps, row);
	char path[PATH_SIZE];

	if (shared < 0)
		return shared;
	*fd = row->own ? make_like(shared, row->name) : TAKE_FD(shared);
	if (*fd < 0)
		return *fd;
	if (map_path(path, paths, row->name))
		return -ENAMETOOLONG;
	return bpf_obj_pin(*fd, path) ? -errno : 0;
}

/*
 * Adds the keys of domains. A denied domain counts no hits. It replaces a declared domain
 * that is the same.
 */
static int fill(int map, const struct domains *domains, bool denied)
{
	for (size_t i = 0; i < domains->count; i++) {
		const struct domain value = { .hit = denied ? DOMAIN_ENTRIES_MAX : (__u32)i,
			.denied = denied };
		struct domain_key keys[2];
		size_t count = declared_domain_keys(&domains->list[i], keys);

		for (size_t k = 0; k < count; k++)
			if (bpf_map_update_elem(
				    map, &keys[k], &value, denied ? BPF_ANY : BPF_NOEXIST))
				return -errno;
	}
	return 0;
}

int job_maps_make(const struct job_paths *paths, const struct map_contents *contents,
	struct job_maps *maps, struct failure *failure)
{
	char folder[PATH_SIZE];
	int error = map_path(folder, paths, "");

	if (!error)
		error = folder_make(folder);
	for (size_t i = 0; !error && i < ARRAY_SIZE(rows); i++)
		if (!rows[i].learning || contents->learns)
			error = make_one(paths, &rows[i], maps);
	if (!error)
		error = fill(maps->domains, contents->domains, false);
	if (!error)
		error = fill(maps->domains, contents->denied, true);
	return error ? fail(failure, error, "cannot make the job's maps") : 0;
}

static int open_maps(const struct job_paths *paths, bool own, struct job_maps *maps)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char path[PATH_SIZE];
		int *fd = map_fd(maps, &rows[i]);

		if (rows[i].own && !own)
			continue;
		if (map_path(path, paths, rows[i].name))
			return -ENAMETOOLONG;
		*fd = bpf_obj_get(path);
		if (*fd < 0 && !((rows[i].learning || rows[i].newer) && errno == ENOENT))
			return -errno;
	}
	return 0;
}

int job_maps_open(const struct job_paths *paths, struct job_maps *maps)
{
	return open_maps(paths, true, maps);
}

int job_maps_open_shared(const struct job_paths *paths, struct job_maps *maps)
{
	return open_maps(paths, false, maps);
}

void job_maps_close(struct job_maps *maps)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		cleanup_fd(map_fd(maps, &rows[i]));
}

int job_maps_hit(int domains, const struct declared_domain *domain)
{
	struct domain_key keys[2];
	struct domain value;
	size_t count = declared_domain_keys(domain, keys);

	for (size_t i = 0; i < count; i++) {
		if (bpf_map_lookup_elem(domains, &keys[i], &value))
			return -errno;
		if (value.hit < DOMAIN_ENTRIES_MAX)
			return (int)value.hit;
	}
	return -ERANGE;
}

int job_limits_read(const struct job_maps *maps, struct job_limits *limits)
{
	const __u32 first = 0;

	return bpf_map_lookup_elem(maps->limits, &first, limits) ? -errno : 0;
}

int job_limits_write(const struct job_maps *maps, const struct job_limits *limits)
{
	const __u32 first = 0;

	return bpf_map_update_elem(maps->limits, &first, limits, BPF_ANY) ? -errno : 0;
}

int job_statistics_read(const struct job_maps *maps, struct proxy_statistics *statistics)
{
	const __u32 first = 0;

	return bpf_map_lookup_elem(maps->statistics, &first, statistics) ? -errno : 0;
}

int job_map_read_only(const struct job_paths *paths, const char *name)
{
	LIBBPF_OPTS(bpf_obj_get_opts, options, .file_flags = BPF_F_RDONLY);
	char path[PATH_SIZE];
	int fd;

	if (map_path(path, paths, name))
		return -ENAMETOOLONG;
	fd = bpf_obj_get_opts(path, &options);
	return fd < 0 ? -errno : fd;
}

int job_map_read_all(int map, void *keys, void *values, __u32 *count)
{
	__u32 next;

	/* ENOENT: there are no more than these. */
	return bpf_map_lookup_batch(map, NULL, &next, keys, values, count, NULL) &&
			       errno != ENOENT
		       ? -errno
		       : 0;
}

int job_counters_read(int counters, uint64_t cgroup, struct job_counters *sum)
{
	int cpus = libbpf_num_possible_cpus();
	_free_ struct job_counters *each = NULL;

	if (cpus < 0)
		return cpus;
	each = calloc((size_t)cpus, sizeof(*each));
	if (!each)
		return -ENOMEM;
	if (bpf_map_lookup_elem(counters, &cgroup, each))
		return -errno;
	memset(sum, 0, sizeof(*sum));
	for (int cpu = 0; cpu < cpus; cpu++) {
		for (int reason = 0; reason < REASON_COUNT; reason++)
			sum->refused[reason] += each[cpu].refused[reason];
		sum->connections += each[cpu].connections;
		sum->paced_packets += each[cpu].paced_packets;
		sum->paced_bytes += each[cpu].paced_bytes;
		sum->marked_packets += each[cpu].marked_packets;
		sum->held += each[cpu].held;
		sum->workers_ended += each[cpu].workers_ended;
		sum->events_lost += each[cpu].events_lost;
		sum->unmatched += each[cpu].unmatched;
		if (each[cpu].worker_ended > sum->worker_ended) {
			sum->worker_ended = each[cpu].worker_ended;
			sum->worker_status = each[cpu].worker_status;
		}
	}
	return 0;
}
