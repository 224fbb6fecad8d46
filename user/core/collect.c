// SPDX-License-Identifier: BSD-2-Clause
/* See collect.h. The names come from all four places where a job leaves something: any may have been emptied. */

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "core/cgroup.h"
#include "core/collect.h"
#include "core/condition.h"
#include "core/lock.h"
#include "core/remains.h"
#include "lib/cleanup.h"

#define NETNS_PREFIX "jobfence-"

/* Adds the names of what is in a folder. With `escaped` a colon stands for a dot. */
static int add_names(json_t *names, const char *path, const char *prefix, bool escaped)
{
	_dir_ DIR *folder = opendir(path);
	const struct dirent *entry;

	if (!folder)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(folder))) {
		char name[JOB_NAME_MAX + 1];
		size_t skipped = strlen(prefix), length = strlen(entry->d_name);

		if (entry->d_name[0] == '.' ||
			strncmp(entry->d_name, prefix, skipped) != 0 ||
			length - skipped >= sizeof(name))
			continue;
		memcpy(name, entry->d_name + skipped, length - skipped + 1);
		for (char *at = name; escaped && (at = strchr(at, ':'));)
			*at = '.';
		if (json_object_set_new(names, name, json_true()))
			return -ENOMEM;
	}
	return 0;
}

static int find_names(json_t *names, struct failure *failure)
{
	const char *mount = cgroup_mount();
	char cgroups[PATH_SIZE];
	int error = add_names(names, RUN_JOBS_FOLDER, "", false);

	if (!error)
		error = add_names(names, PIN_JOBS_FOLDER, "", true);
	if (!error)
		error = add_names(names, NETNS_FOLDER, NETNS_PREFIX, false);
	if (!error && mount)
		error = path_format(cgroups, "%s/jobfence", mount);
	if (!error && mount)
		error = add_names(names, cgroups, "", true);
	return error ? fail(failure, error, "cannot find the jobs of this node") : 0;
}

static bool is_due(struct job *job, const json_t *labels)
{
	struct failure ignored;
	bool selects = json_object_size(labels) > 0;

	if (!job_is_complete(&job->paths))
		return !selects && job_is_anywhere(&job->paths);
	if (job_record_read(job, &ignored))
		return false;
	return selects ? job_has_labels(job, labels) : job_is_dead(job);
}

/* Returns 1 where the job was due, and then whether it went is in `failure`. */
static int collect_one(const char *name, const json_t *labels, struct failure *failure)
{
	_cleanup_(job_free) struct job job = {}, ended = {};
	_fd_ int lock = -1;
	int error = job_init(&job);

	if (!error)
		error = job_init(&ended);
	if (error)
		return error;
	/* What no job can be called is not ours. */
	if (spec_set_name(&job.spec, name, failure) ||
		spec_set_name(&ended.spec, name, failure))
		return 0;
	lock = job_lock(name, failure);
	if (lock < 0)
		return lock;
	error = job_paths(name, &job.paths, failure);
	if (error || !is_due(&job, labels))
		return error;
	*failure = (struct failure){};
	job_down_locked(&ended, failure);
	return 1;
}

int job_collect(const json_t *labels,
	int (*visit)(const char *name, const struct failure *failure, void *data),
	void *data, struct failure *failure)
{
	_json_ json_t *names = json_object();
	const char *name;
	json_t *value;
	int error = names ? find_names(names, failure) : -ENOMEM;

	if (error)
		return error;
	json_object_foreach(names, name, value)
	{
		int due = collect_one(name, labels, failure);

		if (due < 0)
			return due;
		error = due ? visit(name, failure->text[0] ? failure : NULL, data) : 0;
		if (error)
			return error;
	}
	return 0;
}
