// SPDX-License-Identifier: BSD-2-Clause
/* See installed.h. */

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/installed.h"

#define SELF "/proc/self/exe"

int installed_path(char *path, size_t size, const char *name)
{
	char self[PATH_MAX];
	ssize_t length = readlink(SELF, self, sizeof(self) - 1);
	char *folder;

	if (length < 0)
		return -errno;
	self[length] = '\0';
	folder = dirname(self);
	if (strlen(folder) >= 4 && !strcmp(folder + strlen(folder) - 4, "/bin"))
		folder[strlen(folder) - 4] = '\0';
	return snprintf(path, size, "%s/%s", folder, name) < (int)size ? 0 : -ENAMETOOLONG;
}

const char *installed_document(const char *page)
{
	static char path[PATH_MAX];
	char name[NAME_MAX];

	snprintf(name, sizeof(name), DOCUMENTS "/%s", page);
	return installed_path(path, sizeof(path), name) ? page : path;
}

/*
 * Whether everybody who may write to that file or folder may also write to this program.
 */
static bool is_as_safe(const struct stat *status, const struct stat *self)
{
	bool of_group = status->st_mode & S_IWGRP && status->st_gid &&
			(status->st_gid != self->st_gid || !(self->st_mode & S_IWGRP));

	return (!status->st_uid || status->st_uid == self->st_uid) &&
	       !(status->st_mode & S_IWOTH) && !of_group;
}

int installed_program(char *path, size_t size, const char *name, struct failure *failure)
{
	const char *const parts[] = { "libexec", "libexec/jobfence", NULL };
	struct stat self, status;
	char below[NAME_MAX];
	int error = stat(SELF, &self) ? -errno : 0;

	snprintf(below, sizeof(below), "libexec/jobfence/%s", name);
	for (size_t i = 0; !error && i < ARRAY_SIZE(parts); i++) {
		error = installed_path(path, size, parts[i] ? parts[i] : below);
		if (!error && stat(path, &status))
			error = -errno;
		if (!error && !parts[i] && (!S_ISREG(status.st_mode) || access(path, X_OK)))
			error = -ENOENT;
		if (!error && !is_as_safe(&status, &self))
			return fail_as(failure, STATUS_FAILED,
				"others may write to %s, and could put another program there; make it "
				"root's: chown root and chmod go-w",
				path);
	}
	return error ? fail(failure, error, "cannot find %s", name) : 0;
}
