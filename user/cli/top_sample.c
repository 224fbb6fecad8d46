// SPDX-License-Identifier: BSD-2-Clause
/* See top_sample.h. */

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "cli/top_sample.h"
#include "job/health.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/files.h"
#include "lib/rate.h"
#include "node/memory.h"
#include "node/process.h"

/* What is kept of an entry of the folder of jobs. */
struct top_watch {
	struct top_job shown;
	struct job job;
	struct job_maps maps;
	ino_t folder;		 /* a job of the same name that came later has another */
	struct timespec written; /* when the record was */
	int proxy;		 /* a pidfd of the supervisor, -1: there is none */
	enum condition condition;
	bool read;   /* the job is complete, so it is shown */
	bool listed; /* in this round */
};

static void close_job(struct top_watch *watch)
{
	job_maps_close(&watch->maps);
	cleanup_fd(&watch->proxy);
	job_free(&watch->job);
	watch->maps = (struct job_maps)JOB_MAPS_NONE;
	watch->proxy = -1;
	watch->job = (struct job){};
	watch->read = false;
}

static void forget(struct top_watch *watch)
{
	close_job(watch);
	free(watch);
}

void top_sampler_close(struct top_sampler *sampler)
{
	for (size_t i = 0; i < sampler->count; i++)
		forget(sampler->watches[i]);
	free(sampler->watches);
	*sampler = (struct top_sampler){};
}

/* Of each job, several descriptors are open. */
static void allow_descriptors(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* Opens what a round reads. Without these maps the job has no counts. */
static void open_maps(struct top_watch *watch)
{
	struct failure ignored;

	if (job_check_abi(&watch->job, &ignored))
		return;
	watch->maps.counters = job_map_read_only(&watch->job.paths, "counters");
	watch->maps.statistics = job_map_read_only(&watch->job.paths, "statistics");
	watch->maps.limits = job_map_read_only(&watch->job.paths, "limits");
}

static struct timespec record_time(const struct top_watch *watch)
{
	char path[PATH_SIZE];
	struct stat state;

	if (path_format(path, "%s/spec.json", watch->job.paths.run) || stat(path, &state))
		return (struct timespec){};
	return state.st_mtim;
}

static void open_proxy(struct top_watch *watch)
{
	bool here = !watch->job.proxy_namespace ||
		    watch->job.proxy_namespace == process_namespace();

	/* Elsewhere the number is another process's. */
	watch->proxy = watch->job.proxy_pid && here
			       ? (int)syscall(SYS_pidfd_open, watch->job.proxy_pid, 0)
			       : -1;
}

static void look(struct top_watch *watch)
{
	watch->condition = job_condition(&watch->job);
	watch->shown.state = condition_word(watch->condition);
}

/*
 * Reads the job. It is not there until its record is. The time of the record is taken
 * first, so that a later one is noticed.
 */
static void read_job(struct top_watch *watch, const char *name)
{
	struct failure failure = {}, ignored;
	struct timespec written;

	close_job(watch);
	if (!job_paths(name, &watch->job.paths, &failure))
		written = record_time(watch);
	else
		written = (struct timespec){};
	watch->read = !job_read(&watch->job, name, &failure);
	watch->written = written;
	watch->shown.limit = watch->job.spec.rate;
	watch->shown.has_proxy = watch->read && watch->job.proxy_id;
	if (watch->read) {
		open_maps(watch);
		open_proxy(watch);
		look(watch);
		return;
	}
	job_free(&watch->job);
	watch->job = (struct job){};
	watch->shown.counted = false;
	watch->shown.state = "unreadable";
	watch->job.unreadable = failure.status != STATUS_NO_JOB &&
				!spec_set_name(&watch->job.spec, name, &ignored);
}

static int compare_name(const void *name, const void *watch)
{
	return strcmp(name, (*(struct top_watch *const *)watch)->shown.name);
}

static int compare(const void *a, const void *b)
{
	return compare_name((*(struct top_watch *const *)a)->shown.name, b);
}

static struct top_watch *find(const struct top_sampler *sampler, const char *name)
{
	struct top_watch **found =
		sampler->count ? bsearch(name, sampler->watches, sampler->count,
					 sizeof(struct top_watch *), compare_name)
			       : NULL;

	return found ? *found : NULL;
}

/* Adds an entry after the sorted ones. `*count` has those as well. */
static int add(struct top_sampler *sampler, size_t *count, const struct dirent *entry)
{
	struct top_watch **watches =
		reallocarray(sampler->watches, *count + 1, sizeof(struct top_watch *));
	struct top_watch *watch = watches ? calloc(1, sizeof(*watch)) : NULL;

	if (watches)
		sampler->watches = watches;
	if (!watch)
		return -ENOMEM;
	watch->maps = (struct job_maps)JOB_MAPS_NONE;
	watch->proxy = -1;
	watch->folder = entry->d_ino;
	watch->listed = true;
	watch->shown.state = "";
	memcpy(watch->shown.name, entry->d_name, strlen(entry->d_name) + 1);
	watches[(*count)++] = watch;
	return 0;
}

static bool is_wanted(const struct top_sampler *sampler, const char *name)
{
	if (name[0] == '.' || strlen(name) > JOB_NAME_MAX)
		return false;
	for (size_t i = 0; sampler->names && sampler->names[i]; i++)
		if (!strcmp(sampler->names[i], name))
			return true;
	return !sampler->names || !sampler->names[0];
}

/* Notes an entry of the folder of jobs. */
static int note(struct top_sampler *sampler, size_t *count, const struct dirent *entry)
{
	struct top_watch *watch;

	if (!is_wanted(sampler, entry->d_name))
		return 0;
	watch = find(sampler, entry->d_name);
	if (!watch)
		return add(sampler, count, entry);
	watch->listed = true;
	if (watch->folder != entry->d_ino) {
		close_job(watch);
		watch->shown.counted = watch->shown.weighed = watch->shown.rated = false;
		watch->folder = entry->d_ino;
	}
	return 0;
}

/* Notices which jobs came and went. */
static int list_folder(struct top_sampler *sampler, struct failure *failure)
{
	_dir_ DIR *folder = opendir(RUN_JOBS_FOLDER);
	size_t count = sampler->count, kept = 0;
	const struct dirent *entry;
	int error = folder || errno == ENOENT ? 0 : -errno;

	for (size_t i = 0; i < sampler->count; i++)
		sampler->watches[i]->listed = false;
	while (folder && !error && (entry = folder_next(folder, &error)))
		error = note(sampler, &count, entry);
	for (size_t i = 0; i < count; i++)
		if (sampler->watches[i]->listed)
			sampler->watches[kept++] = sampler->watches[i];
		else
			forget(sampler->watches[i]);
	sampler->count = kept;
	if (kept)
		qsort(sampler->watches, kept, sizeof(struct top_watch *), compare);
	return error ? fail(failure, error, "cannot read %s", RUN_JOBS_FOLDER) : 0;
}

static bool has_ended(const struct top_watch *watch)
{
	struct pollfd proxy = { .fd = watch->proxy, .events = POLLIN };

	return watch->proxy >= 0 && poll(&proxy, 1, 0) == 1;
}

static void count_job(struct top_sampler *sampler, struct top_watch *watch)
{
	const struct usage *usage = &sampler->usage;
	const struct proxy_statistics *statistics = &usage->statistics;
	struct top_counts counts;
	struct job_limits limits;

	if (watch->maps.counters < 0 ||
		usage_read_counts(&watch->job, &watch->maps, &sampler->usage)) {
		watch->shown.counted = watch->shown.rated = false;
		return;
	}
	if (watch->shown.has_proxy && !job_limits_read(&watch->maps, &limits))
		watch->shown.limit = limits.rate * BITS_PER_BYTE;
	counts = (struct top_counts){
		.received = statistics->received,
		.sent = statistics->sent,
		.open = statistics->open,
		.requests = statistics->requests + statistics->tunnels,
		.refused = usage_refused(usage),
		.throttled = usage->throttled_upload + usage->throttled_download,
		.restarts = usage->proxy.workers_ended,
	};
	top_job_count(&watch->shown, &counts, clock_ns(CLOCK_MONOTONIC));
}

/* A repaired job has another proxy, and a record that was written anew. */
static void look_closely(struct top_watch *watch)
{
	struct timespec written = record_time(watch);

	if (written.tv_sec != watch->written.tv_sec ||
		written.tv_nsec != watch->written.tv_nsec)
		read_job(watch, watch->shown.name);
	else
		look(watch);
	watch->shown.weighed = watch->read && watch->job.proxy_id &&
			       !cgroup_pss(watch->job.paths.proxy, &watch->shown.memory);
}

static void sample_one(struct top_sampler *sampler, struct top_watch *watch)
{
	bool counted = watch->shown.counted;

	if (!watch->read)
		read_job(watch, watch->shown.name);
	if (!watch->read)
		return;
	count_job(sampler, watch);
	if ((counted && !watch->shown.counted) ||
		(watch->condition == CONDITION_UP && has_ended(watch)))
		look_closely(watch);
}

int top_sample(struct top_sampler *sampler, uint64_t patience, struct failure *failure)
{
	uint64_t began;
	int error;

	if (!sampler->watches) {
		sampler->count = 0;
		allow_descriptors();
	}
	error = list_folder(sampler, failure);
	if (error)
		return error;
	for (size_t i = 0; i < sampler->count; i++)
		sample_one(sampler, sampler->watches[i]);
	began = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	for (size_t i = 0; i < sampler->count; i++) {
		sampler->turn = (sampler->turn + 1) % sampler->count;
		if (sampler->watches[sampler->turn]->read)
			look_closely(sampler->watches[sampler->turn]);
		if (clock_ns(CLOCK_THREAD_CPUTIME_ID) - began > patience)
			break;
	}
	return 0;
}

size_t top_jobs(const struct top_sampler *sampler, const struct top_job **jobs)
{
	size_t count = 0;

	for (size_t i = 0; i < sampler->count; i++) {
		const struct top_watch *watch = sampler->watches[i];

		if ((watch->read || watch->job.unreadable) &&
			spec_has_labels(&watch->job.spec, sampler->labels))
			jobs[count++] = &watch->shown;
	}
	return count;
}
