// SPDX-License-Identifier: BSD-2-Clause
/* See slice.h. */

#include <errno.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/files.h"
#include "node/cgroup.h"
#include "node/slice.h"
#include "node/systemd.h"

#define PREFIX	     "jobfence-"
#define SUFFIX	     ".slice"
#define PARENT	     "jobfence" SUFFIX
#define DASH	     "\\x2d"
#define MARK	     "slice" /* in the job's folder */
#define LENGTH(text) (sizeof(text) - 1)

int slice_unit(const char *job, char unit[PATH_SIZE])
{
	size_t length = LENGTH(PREFIX);

	if (path_format(unit, PREFIX))
		return -ENAMETOOLONG;
	for (; *job; job++) {
		const char plain[] = { *job, '\0' };
		const char *text = *job == '-' ? DASH : plain;

		if (length + strlen(text) + LENGTH(SUFFIX) >= PATH_SIZE)
			return -ENAMETOOLONG;
		length = (size_t)(stpcpy(unit + length, text) - unit);
	}
	stpcpy(unit + length, SUFFIX);
	return 0;
}

/* Reads the job's name from `length` characters of a unit's name, after the prefix. */
static int read_name(const char *text, size_t length, char name[JOB_NAME_MAX + 1])
{
	size_t count = 0;

	while (length && *text != '-') {
		bool dash = length >= LENGTH(DASH) && !strncmp(text, DASH, LENGTH(DASH));
		size_t step = dash ? LENGTH(DASH) : 1;

		if (count == JOB_NAME_MAX || (*text == '\\' && !dash))
			return -ENOENT;
		name[count++] = (char)(dash ? '-' : *text);
		text += step;
		length -= step;
	}
	name[count] = '\0';
	return count ? 0 : -ENOENT;
}

int slice_job(const char *place, char name[JOB_NAME_MAX + 1])
{
	static const char parent[] = "/" PARENT "/";
	bool is_path = !strncmp(place, parent, LENGTH(parent));
	const char *unit = is_path ? place + LENGTH(parent) : place;
	size_t length = strcspn(unit, is_path ? "/" : ":");

	if (length <= LENGTH(PREFIX) + LENGTH(SUFFIX) ||
		strncmp(unit, PREFIX, LENGTH(PREFIX)) ||
		strncmp(unit + length - LENGTH(SUFFIX), SUFFIX, LENGTH(SUFFIX)))
		return -ENOENT;
	return read_name(
		unit + LENGTH(PREFIX), length - LENGTH(PREFIX) - LENGTH(SUFFIX), name);
}

/* The job's name is that of its folder. */
static int find_unit(const struct job_paths *paths, char unit[PATH_SIZE])
{
	return slice_unit(strrchr(paths->run, '/') + 1, unit);
}

static int find_cgroup(const char *unit, char cgroup[PATH_SIZE])
{
	const char *mount = cgroup_mount();

	return mount ? path_format(cgroup, "%s/" PARENT "/%s", mount, unit) : -ENODEV;
}

static int find_mark(const struct job_paths *paths, char mark[PATH_SIZE])
{
	return path_format(mark, "%s/" MARK, paths->run);
}

static bool is_marked(const struct job_paths *paths)
{
	char mark[PATH_SIZE];

	return !find_mark(paths, mark) && file_exists(mark);
}

int slice_make(
	const struct job_paths *paths, char cgroup[PATH_SIZE], struct failure *failure)
{
	char unit[PATH_SIZE], mark[PATH_SIZE];
	int error = find_unit(paths, unit);

	if (!error)
		error = find_cgroup(unit, cgroup);
	if (!error)
		error = find_mark(paths, mark);
	if (error == -ENAMETOOLONG)
		return fail_as(failure, STATUS_USAGE,
			"the job's name is too long for a slice, where each '-' takes four characters");
	if (error)
		return fail(failure, error, "cannot find the slice of %s", paths->run);
	/* What others put into it may run already, and would end with the job. */
	if (file_exists(cgroup))
		return fail_as(failure, STATUS_FAILED,
			"there is a slice %s already, which is not the job's; stop it: "
			"systemctl stop '%s'",
			unit, unit);
	/* What is marked has to be stopped, which needs systemd as well. */
	error = systemd_load(failure);
	if (error)
		return error;
	error = file_write(mark, "");
	if (error)
		return fail(failure, error, "cannot write %s", mark);
	return systemd_start_slice(unit, failure);
}

int slice_cgroup(const struct job_paths *paths, char cgroup[PATH_SIZE])
{
	char unit[PATH_SIZE];
	int error;

	if (!is_marked(paths))
		return path_format(cgroup, "%s", paths->work);
	error = find_unit(paths, unit);
	return error ? error : find_cgroup(unit, cgroup);
}

int slice_kill(const struct job_paths *paths)
{
	char cgroup[PATH_SIZE];
	int error = is_marked(paths) ? slice_cgroup(paths, cgroup) : -ENOENT;

	if (error)
		return error == -ENOENT ? 0 : error;
	return cgroup_kill(cgroup, KILL_PATIENCE);
}

int slice_remove(const struct job_paths *paths, struct failure *failure)
{
	char unit[PATH_SIZE], cgroup[PATH_SIZE];
	int error;

	if (!is_marked(paths))
		return 0;
	error = find_unit(paths, unit);
	if (!error)
		error = find_cgroup(unit, cgroup);
	if (error)
		return fail(failure, error, "cannot find the slice of %s", paths->run);
	error = systemd_stop_slice(unit, failure);
	if (error)
		return error;
	error = cgroup_remove(cgroup);
	return error ? fail(failure, error, "cannot remove %s", cgroup) : 0;
}
