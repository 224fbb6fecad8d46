// SPDX-License-Identifier: BSD-2-Clause
/* See usage.h. */

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "job/usage.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "node/maps.h"
#include "node/state.h"

/*
 * A number that the proxy wrote. A worker that was taken over may have written anything, so
 * a large one is cut.
 */
static __u64 bounded(__u64 number)
{
	return number < STATISTIC_MAX ? number : STATISTIC_MAX;
}

static int compare(const void *a, const void *b)
{
	const struct usage_refusal *left = a, *right = b;

	if (left->key.reason != right->key.reason)
		return left->key.reason - right->key.reason;
	return memcmp(left->key.name, right->key.name, sizeof(left->key.name));
}

/*
 * Whether a key is as the proxy should have written it, with printable characters only.
 * The proxy is not trusted, and names go to a terminal.
 */
static bool is_plain(const struct refusal_key *key)
{
	if (key->length > sizeof(key->name))
		return false;
	if (key->length == sizeof(OTHER_NAMES) - 1 &&
		!memcmp(key->name, OTHER_NAMES, key->length))
		return true;
	for (size_t i = 0; i < key->length; i++)
		if (key->name[i] <= ' ' || key->name[i] > '~')
			return false;
	return true;
}

static int read_refusals(int map, struct usage *usage)
{
	_free_ struct refusal_key *keys = malloc(REFUSALS_MAX * sizeof(*keys));
	struct refusal refusals[REFUSALS_MAX];
	uint64_t now = clock_ns(CLOCK_BOOTTIME);
	__u32 count = REFUSALS_MAX;
	int error = keys ? job_map_read_all(map, keys, refusals, &count) : -ENOMEM;

	if (error)
		return error;
	usage->refusals = calloc(count + 1, sizeof(usage->refusals[0]));
	if (!usage->refusals)
		return -ENOMEM;
	for (__u32 i = 0; i < count; i++) {
		struct usage_refusal *next = &usage->refusals[usage->refusal_count];

		if (!is_plain(&keys[i]))
			continue;
		next->key = keys[i];
		next->refusal.count = bounded(refusals[i].count);
		next->refusal.last = refusals[i].last < now ? refusals[i].last : now;
		usage->refusal_count++;
	}
	qsort(usage->refusals, usage->refusal_count, sizeof(usage->refusals[0]), compare);
	return 0;
}

static int read_domains(
	const struct job_maps *maps, const struct job *job, struct usage *usage)
{
	for (size_t i = 0; i < job->spec.domains.count && i < DOMAINS_MAX; i++) {
		int hit = job_maps_hit(maps->domains, &job->spec.domains.list[i]);
		struct domain_use *use = &usage->domains[i];

		/* If somebody removed the domain with bpftool, its count stays zero. */
		if (hit >= 0 && bpf_map_lookup_elem(maps->hits, &hit, use))
			return -errno;
		*use = (struct domain_use){ .requests = bounded(use->requests),
			.received = bounded(use->received),
			.sent = bounded(use->sent) };
	}
	return 0;
}

/* Reads the proxy's own counts. */
static int read_statistics(
	const struct job *job, const struct job_maps *maps, struct usage *usage)
{
	uint64_t *numbers = (uint64_t *)&usage->statistics;
	int error = job_statistics_read(maps, &usage->statistics);
	bool kernel = job->pacing == PACING_EDT;

	for (size_t i = 0; i < sizeof(usage->statistics) / sizeof(*numbers); i++)
		numbers[i] = bounded(numbers[i]);
	usage->throttled_upload = kernel ? usage->job.held : usage->statistics.throttled[0];
	usage->throttled_download =
		kernel ? usage->proxy.held : usage->statistics.throttled[1];
	return error;
}

/* A cgroup that is gone took along what the kernel had of it. */
static int unless_gone(int error)
{
	return error == -ENOENT ? 0 : error;
}

int usage_read_counts(
	const struct job *job, const struct job_maps *maps, struct usage *usage)
{
	int error;

	usage->job = usage->proxy = (struct job_counters){};
	error = unless_gone(job_counters_read(maps->counters, job->id, &usage->job));
	if (!error && job->proxy_id)
		error = unless_gone(
			job_counters_read(maps->counters, job->proxy_id, &usage->proxy));
	return error ? error : read_statistics(job, maps, usage);
}

uint64_t usage_refused_for(const struct usage *usage, enum reason reason)
{
	if (reason == REASON_HORIZON)
		return 0;
	return usage->statistics.refused[reason] + usage->job.refused[reason];
}

uint64_t usage_refused(const struct usage *usage)
{
	uint64_t refused = 0;

	for (int reason = 1; reason < REASON_COUNT; reason++)
		refused += usage_refused_for(usage, (enum reason)reason);
	return refused;
}

void usage_free(struct usage **usage)
{
	if (*usage) {
		free((*usage)->refusals);
		free((*usage)->learned);
		free((*usage)->learned_rules);
	}
	free(*usage);
}

static int cannot_read(const struct job *job, int error, struct failure *failure)
{
	return fail(failure, error, "cannot read the counters of job %s", job->spec.name);
}

int usage_read_numbers(const struct job *job, struct usage **usage, struct failure *failure)
{
	_cleanup_(job_maps_close) struct job_maps maps = JOB_MAPS_NONE;
	_cleanup_(usage_free) struct usage *read = calloc(1, sizeof(*read));
	int error = job_check_abi(job, failure);

	if (error)
		return error;
	maps.counters = job_map_read_only(&job->paths, "counters");
	maps.statistics = job_map_read_only(&job->paths, "statistics");
	if (!read)
		error = -ENOMEM;
	else if (maps.counters < 0 || maps.statistics < 0)
		error = maps.counters < 0 ? maps.counters : maps.statistics;
	else
		error = usage_read_counts(job, &maps, read);
	if (error)
		return cannot_read(job, error, failure);
	*usage = TAKE_POINTER(read);
	return 0;
}

static int read_learned(const struct job_maps *maps, struct usage *usage)
{
	int error = learned_read(maps->learned, &usage->learned);

	if (!error)
		error = learned_rules_read(
			maps->learned_rules, LEARNED_SIBLINGS, &usage->learned_rules);
	if (error)
		return error;
	for (size_t i = 0; i < usage->learned->count; i++)
		usage->learned->domains[i].count =
			bounded(usage->learned->domains[i].count);
	for (size_t i = 0; i < usage->learned_rules->count; i++)
		usage->learned_rules->list[i].count =
			bounded(usage->learned_rules->list[i].count);
	return 0;
}

int usage_read(const struct job *job, struct usage **usage, struct failure *failure)
{
	_cleanup_(job_maps_close) struct job_maps maps = JOB_MAPS_NONE;
	_cleanup_(usage_free) struct usage *read = calloc(1, sizeof(*read));
	int error = job_check_abi(job, failure);

	if (error)
		return error;
	error = read ? job_maps_open(&job->paths, &maps) : -ENOMEM;
	if (!error)
		error = usage_read_counts(job, &maps, read);
	if (!error)
		error = unless_gone(state_read_delays(&maps, job->id, job->proxy_id,
			&read->upload_delay, &read->download_delay));
	if (!error)
		error = read_domains(&maps, job, read);
	if (!error && job->spec.learn)
		error = read_learned(&maps, read);
	if (!error)
		error = read_refusals(maps.refused, read);
	if (error)
		return cannot_read(job, error, failure);
	*usage = TAKE_POINTER(read);
	return 0;
}
