// SPDX-License-Identifier: BSD-2-Clause
/* See versions.h. */

#include <errno.h>

#include "job/jobs.h"
#include "job/versions.h"
#include "lib/cleanup.h"
#include "lib/files.h"
#include "node/lock.h"
#include "node/objects.h"
#include "node/paths.h"

struct folder {
	const char *name;
	bool used;
};

static int look_for_use(const struct job *job, void *data)
{
	struct folder *folder = data;

	folder->used =
		job->unreadable || objects_serve(folder->name, job->programs, job->abi);
	return folder->used;
}

int gc_versions(struct failure *failure)
{
	_fd_ int lock = jobs_try_lock(failure);
	_dir_ DIR *pins = opendir(PINS_FOLDER);
	const struct dirent *entry;
	int error = 0;

	if (lock == -EAGAIN || (lock >= 0 && !pins && errno == ENOENT))
		return 0;
	if (lock < 0 || !pins)
		return lock < 0 ? lock
				: fail(failure, -errno, "cannot read %s", PINS_FOLDER);
	while (!error && (entry = folder_next(pins, &error))) {
		struct folder folder = { .name = entry->d_name };
		char path[PATH_SIZE];

		if (!objects_are_of_another_version(folder.name))
			continue;
		error = job_each(look_for_use, &folder, failure);
		if (error || folder.used)
			error = error < 0 ? error : 0;
		else if (!path_format(path, PINS_FOLDER "/%s", folder.name))
			error = tree_remove(path);
	}
	return error ? fail(failure, error, "cannot remove programs of other versions") : 0;
}
