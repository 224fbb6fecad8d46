// SPDX-License-Identifier: BSD-2-Clause
/* See mounts.h. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
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

int oci_mounts_find(json_t *config, json_t **mounts, struct failure *failure)
{
	*mounts = json_object_get(config, "mounts");
	if (!*mounts) {
		*mounts = json_array();
		if (json_object_set_new(config, "mounts", *mounts))
			return fail(failure, -ENOMEM, "mounts");
	}
	return json_is_array(*mounts)
		       ? 0
		       : fail_as(failure, STATUS_USAGE,
				 "mounts in the bundle's config.json has to be a list");
}

const json_t *oci_mount_at(const json_t *mounts, const char *place)
{
	const json_t *mount;
	size_t i;

	json_array_foreach ((json_t *)mounts, i, mount) {
		const char *at = json_string_value(json_object_get(mount, "destination"));

		if (at && !strcmp(at, place))
			return mount;
	}
	return NULL;
}

int oci_mount_add(json_t *mounts, const char *source, const char *place)
{
	json_t *mount = json_pack("{s:s, s:s, s:s, s:[s, s, s, s, s]}", "destination",
		place, "type", "bind", "source", source, "options", "bind", "ro", "nosuid",
		"nodev", "noexec");

	return json_array_append_new(mounts, mount) ? -ENOMEM : 0;
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
