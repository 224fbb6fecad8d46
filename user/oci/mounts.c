// SPDX-License-Identifier: BSD-2-Clause
/* See mounts.h. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/files.h"
#include "node/paths.h"
#include "oci/mounts.h"

int oci_root_open(const json_t *config, const char *bundle, struct failure *failure)
{
	const char *path =
		json_string_value(json_object_get(json_object_get(config, "root"), "path"));
	char folder[PATH_MAX];
	int root;

	if (!path)
		return fail_as(failure, STATUS_USAGE,
			"the bundle's config.json names no root file system; add: "
			"\"root\": {\"path\": \"rootfs\"}");
	if (snprintf(folder, sizeof(folder), "%s/%s", path[0] == '/' ? "" : bundle, path) >=
		PATH_MAX)
		return fail(failure, -ENAMETOOLONG, "the bundle's root file system");
	root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0
		       ? fail(failure, -errno,
				 "cannot open the bundle's root file system %.200s", folder)
		       : root;
}

int oci_source_write(const char *path, const char *text)
{
	char fresh[PATH_SIZE];
	int error = path_format(fresh, "%s.%d", path, (int)getpid());

	if (!error)
		error = file_write(fresh, text);
	if (error)
		return error;
	return rename(fresh, path) ? -errno : 0;
}
