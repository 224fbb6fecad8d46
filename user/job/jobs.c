// SPDX-License-Identifier: BSD-2-Clause
/*
 * See jobs.h. A job leaves entries in four places. Each of them may have been emptied,
 * so names are collected from all four.
 */

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "job/jobs.h"
#include "lib/cleanup.h"
#include "lib/files.h"
#include "lib/json.h"
#include "node/cgroup.h"
#include "node/lock.h"

#define NETNS_PREFIX "jobfence-"

/*
 * Adds the names of the entries of a folder. With `escaped` a colon stands for a dot.
 */
static int add_names(json_t *names, const char *path, const char *prefix, bool escaped)
{
	_dir_ DIR *folder = opendir(path);
	const struct dirent *entry;
	int error = 0;

	if (!folder)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = folder_next(folder, &error))) {
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
	return error;
}

int job_names_find(json_t *names, struct failure *failure)
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

/*
 * Reads the job. Returns whether it still exists. If its record can't be read, the job
 * is marked as unreadable.
 */
static bool read_one(struct job *job, const char *name)
{
	struct failure failure = {}, ignored;

	if (!job_read(job, name, &failure))
		return true;
	job_free(job);
	*job = (struct job){};
	if (failure.status == STATUS_NO_JOB)
		return false;
	job->unreadable = true;
	return !spec_set_name(&job->spec, name, &ignored);
}

int job_each(int (*visit)(const struct job *job, void *data), void *data,
	struct failure *failure)
{
	_dir_ DIR *folder = opendir(RUN_JOBS_FOLDER);
	const struct dirent *entry;
	int result = 0, error = 0;

	if (!folder)
		return errno == ENOENT
			       ? 0
			       : fail(failure, -errno, "cannot read %s", RUN_JOBS_FOLDER);
	while (!result && (entry = folder_next(folder, &error))) {
		_cleanup_(job_free) struct job job = {};

		if (read_one(&job, entry->d_name))
			result = visit(&job, data);
	}
	return error ? fail(failure, error, "cannot read %s", RUN_JOBS_FOLDER) : result;
}

/*
 * Whether the job is a leftover. If the lock is free, no command is at work on the job.
 * So an incomplete job was left behind. Returns 1, 0 or -errno.
 */
static int is_half_made(const char *name, struct failure *failure)
{
	_cleanup_(job_free) struct job job = {};
	struct failure ignored;
	_fd_ int lock = -1;
	int error;

	if (spec_set_name(&job.spec, name, &ignored))
		return 0;
	error = job_paths(name, &job.paths, failure);
	if (error || job_is_complete(&job.paths))
		return error;
	lock = job_try_lock(name, failure);
	if (lock < 0)
		return lock == -EAGAIN ? 0 : lock;
	return !job_is_complete(&job.paths) && job_is_anywhere(&job.paths);
}

int jobs_each_half_made(
	int (*visit)(const char *name, void *data), void *data, struct failure *failure)
{
	_json_ json_t *names = json_object();
	int result = names ? job_names_find(names, failure)
			   : fail(failure, -ENOMEM, "names of jobs");
	const char *name;
	json_t *value;

	if (result)
		return result;
	json_object_foreach (names, name, value) {
		result = is_half_made(name, failure);
		if (result > 0)
			result = visit(name, data);
		if (result)
			return result;
	}
	return 0;
}
