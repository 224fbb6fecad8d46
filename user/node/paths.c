// SPDX-License-Identifier: BSD-2-Clause
/* Turns names into paths. See paths.h. */

#include <errno.h>
#include <limits.h>
#include <mntent.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/files.h"
#include "node/paths.h"

int path_format(char path[PATH_SIZE], const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(path, PATH_SIZE, format, arguments);
	va_end(arguments);
	if (length >= 0 && length < PATH_SIZE)
		return 0;
	path[0] = '\0';
	return -ENAMETOOLONG;
}

int path_absolute(char absolute[PATH_SIZE], const char *path)
{
	char here[PATH_MAX];

	if (path[0] == '/')
		return path_format(absolute, "%s", path);
	return getcwd(here, sizeof(here)) ? path_format(absolute, "%s/%s", here, path)
					  : -errno;
}

static void mounts_close(FILE **mounts)
{
	if (*mounts)
		endmntent(*mounts);
}

const char *cgroup_mount(void)
{
	static char found[PATH_SIZE];
	_cleanup_(mounts_close) FILE *mounts = NULL;
	const struct mntent *mount;

	if (found[0])
		return found;
	mounts = setmntent("/proc/self/mounts", "re");
	if (!mounts)
		return NULL;
	while ((mount = getmntent(mounts)))
		if (!strcmp(mount->mnt_type, "cgroup2") &&
			!path_format(found, "%s", mount->mnt_dir))
			return found;
	return NULL;
}

int job_paths(const char *name, struct job_paths *paths, struct failure *failure)
{
	const char *mount = cgroup_mount();
	char escaped[JOB_NAME_MAX + 1];
	size_t i;

	if (!mount)
		return fail(failure, -ENODEV,
			"cgroup v2 is not mounted; mount it: mount -t "
			"cgroup2 none /sys/fs/cgroup");
	for (i = 0; i < JOB_NAME_MAX && name[i]; i++)
		escaped[i] = (char)(name[i] == '.' ? ':' : name[i]);
	escaped[i] = '\0';
	if (path_format(paths->run, RUN_JOBS_FOLDER "/%s", name) ||
		path_format(paths->pins, PIN_JOBS_FOLDER "/%s", escaped) ||
		path_format(paths->netns, NETNS_FOLDER "/jobfence-%s", name) ||
		path_format(paths->cgroup, "%s/jobfence/%s", mount, escaped) ||
		path_format(paths->work, "%s/work", paths->cgroup) ||
		path_format(paths->proxy, "%s/proxy", paths->cgroup) ||
		path_format(paths->init, "%s/init", paths->cgroup))
		return fail(failure, -ENAMETOOLONG, "paths of job %s", name);
	return 0;
}

bool job_is_complete(const struct job_paths *paths)
{
	char path[PATH_SIZE];

	return !path_format(path, "%s/spec.json", paths->run) && file_exists(path);
}

bool job_is_anywhere(const struct job_paths *paths)
{
	return file_exists(paths->run) || file_exists(paths->pins) ||
	       file_exists(paths->netns) || file_exists(paths->cgroup);
}

static bool is_open(const struct stat *status)
{
	return status->st_mode & S_IWOTH || (status->st_mode & S_IWGRP && status->st_gid);
}

/* `shared`: others may write to the folder if they can't remove our entries. */
static int check_folder(const char *path, bool shared, struct failure *failure)
{
	struct stat status;

	if (lstat(path, &status))
		return errno == ENOENT ? 0 : fail(failure, -errno, "cannot see %s", path);
	if (!S_ISDIR(status.st_mode))
		return fail_as(failure, STATUS_FAILED, "%s is no folder; remove it", path);
	if (status.st_uid && status.st_uid != geteuid())
		return fail_as(failure, STATUS_FAILED,
			"%s belongs to the user with the number %u, who could take fences off; "
			"remove it, or give it to root",
			path, (unsigned)status.st_uid);
	if (is_open(&status) && !(shared && status.st_mode & S_ISVTX))
		return fail_as(failure, STATUS_FAILED,
			"others than root may write to %s, and could take fences off: chmod "
			"go-w %s",
			path, path);
	return 0;
}

int paths_check(struct failure *failure)
{
	const struct {
		const char *path;
		bool shared;
	} folders[] = { { BPF_MOUNT, true }, { PINS_FOLDER, false },
		{ PIN_JOBS_FOLDER, false }, { "/run", true }, { RUN_FOLDER, false },
		{ RUN_JOBS_FOLDER, false }, { NETNS_FOLDER, false } };
	const char *mount = cgroup_mount();
	char cgroups[PATH_SIZE];
	int error = 0;

	for (size_t i = 0; !error && i < ARRAY_SIZE(folders); i++)
		error = check_folder(folders[i].path, folders[i].shared, failure);
	if (error || !mount || path_format(cgroups, "%s/jobfence", mount))
		return error;
	return check_folder(cgroups, false, failure);
}
