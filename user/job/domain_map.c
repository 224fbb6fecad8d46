// SPDX-License-Identifier: BSD-2-Clause
/* See domain_map.h. */

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "job/domain_map.h"
#include "lib/cleanup.h"

/* Entries of a domain map, either as read or as planned. */
struct entries {
	size_t count;
	struct domain_key keys[DOMAIN_ENTRIES_MAX];
	struct domain values[DOMAIN_ENTRIES_MAX];
};

static const struct domain *find(
	const struct entries *entries, const struct domain_key *key)
{
	for (size_t i = 0; i < entries->count; i++)
		if (entries->keys[i].bits == key->bits &&
			!memcmp(entries->keys[i].name, key->name, key->bits / 8))
			return &entries->values[i];
	return NULL;
}

static int read_entries(int map, struct entries *entries)
{
	const struct domain_key *previous = NULL;

	for (; entries->count < DOMAIN_ENTRIES_MAX; entries->count++) {
		struct domain_key *key = &entries->keys[entries->count];

		if (bpf_map_get_next_key(map, previous, key))
			return errno == ENOENT ? 0 : -errno;
		if (bpf_map_lookup_elem(map, key, &entries->values[entries->count]))
			return -errno;
		previous = key;
	}
	return 0;
}

/*
 * Takes a counter that no entry uses, and sets it to zero. Returns its index or -errno.
 */
static int take_hit(int hits, bool used[DOMAIN_ENTRIES_MAX])
{
	const struct domain_use nothing = {};
	__u32 i = 0;

	while (i < DOMAIN_ENTRIES_MAX && used[i])
		i++;
	if (i == DOMAIN_ENTRIES_MAX)
		return -E2BIG;
	used[i] = true;
	return bpf_map_update_elem(hits, &i, &nothing, BPF_ANY) ? -errno : (int)i;
}

/*
 * The counter of a domain with these keys. One that is in the map already keeps its own. A
 * denied domain has the same key as another, and no counter.
 */
static int find_hit(int hits, const struct entries *old, const struct domain_key *keys,
	size_t count, bool used[DOMAIN_ENTRIES_MAX])
{
	for (size_t i = 0; i < count; i++) {
		const struct domain *kept = find(old, &keys[i]);

		if (kept && !kept->denied)
			return (int)kept->hit;
	}
	return take_hit(hits, used);
}

/* Plans the entries of the map for the domains. */
static int plan(const struct job_maps *maps, const struct domains *domains,
	const struct entries *old, struct entries *new)
{
	bool used[DOMAIN_ENTRIES_MAX] = {};

	for (size_t i = 0; i < old->count; i++)
		if (old->values[i].hit < DOMAIN_ENTRIES_MAX)
			used[old->values[i].hit] = true;
	for (size_t i = 0; i < domains->count; i++) {
		struct domain_key keys[2];
		size_t count = declared_domain_keys(&domains->list[i], keys);
		int hit = find_hit(maps->hits, old, keys, count, used);

		if (hit < 0)
			return hit;
		for (size_t k = 0; k < count; k++, new->count++) {
			new->keys[new->count] = keys[k];
			new->values[new->count].hit = (__u32)hit;
		}
	}
	return 0;
}

/*
 * Removes the entries in `from` that are not in `kept`. Denied domains stay. After a
 * failure the other entries are still removed, and the first failure is returned.
 */
static int remove_others(int map, const struct entries *from, const struct entries *kept)
{
	int error = 0;

	for (size_t i = 0; i < from->count; i++)
		if (!from->values[i].denied && !find(kept, &from->keys[i]) &&
			bpf_map_delete_elem(map, &from->keys[i]) && errno != ENOENT &&
			!error)
			error = -errno;
	return error;
}

/* Adds what is missing, and changes what has another counter. Denied domains stay. */
static int write_entries(int map, const struct entries *old, const struct entries *new)
{
	for (size_t i = 0; i < new->count; i++) {
		const struct domain *kept = find(old, &new->keys[i]);

		if (kept && (kept->denied || kept->hit == new->values[i].hit))
			continue;
		if (bpf_map_update_elem(map, &new->keys[i], &new->values[i], BPF_ANY))
			return -errno;
	}
	return 0;
}

/* Makes the proxy forget its decisions, and check the names of its open connections. */
static int next_generation(const struct job_maps *maps)
{
	struct job_limits limits;
	int error = job_limits_read(maps, &limits);

	if (error)
		return error;
	limits.generation++;
	return job_limits_write(maps, &limits);
}

int domain_map_replace(
	const struct job *job, const struct job_maps *maps, struct failure *failure)
{
	_free_ struct entries *old = calloc(1, sizeof(*old));
	_free_ struct entries *new = calloc(1, sizeof(*new));
	int error = old && new ? read_entries(maps->domains, old) : -ENOMEM;

	if (!error)
		error = plan(maps, &job->spec.domains, old, new);
	if (error)
		return error;
	error = write_entries(maps->domains, old, new);
	if (!error)
		error = job_record_write(job, failure);
	if (error) {
		/* A connection may have begun to a domain that is taken back. */
		if (!remove_others(maps->domains, new, old))
			next_generation(maps);
		return error;
	}
	error = remove_others(maps->domains, old, new);
	return error ? error : next_generation(maps);
}
