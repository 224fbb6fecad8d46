// SPDX-License-Identifier: BSD-2-Clause
/* See browser.h. Anybody may have made an image, so no link in it is followed. */

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/files.h"
#include "node/paths.h"
#include "oci/browser.h"
#include "oci/mounts.h"
#include "policy/browser_policy.h"

#define SOURCES RUN_FOLDER "/browsers"

/*
 * Shortens `path` to the nearest folder that exists in `root`. Returns whether there is
 * such a folder below /etc and no link leads to it.
 */
static bool find_folder(int root, char path[PATH_SIZE])
{
	const struct open_how how = { .flags =
					      O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };

	while (strrchr(path, '/') > path) {
		_fd_ int fd = (int)syscall(SYS_openat2, root, path + 1, &how, sizeof(how));

		if (fd >= 0)
			return true;
		if (errno != ENOENT)
			return false;
		*strrchr(path, '/') = '\0';
	}
	return false;
}

static bool is_within(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	return !strncmp(path, folder, length) && (!path[length] || path[length] == '/');
}

/* Whether one of the first `count` mounts is at, above or below a folder. */
static bool is_mounted(const json_t *mounts, size_t count, const char *folder)
{
	for (size_t i = 0; i < count; i++) {
		const char *at = json_string_value(
			json_object_get(json_array_get(mounts, i), "destination"));

		if (at && (is_within(at, folder) || is_within(folder, at)))
			return true;
	}
	return false;
}

static int add_tmpfs(json_t *mounts, const char *folder)
{
	return json_array_append_new(
		mounts, json_pack("{s:s, s:s, s:s, s:[s, s, s, s]}", "destination", folder,
				"type", "tmpfs", "source", "tmpfs", "options", "nosuid",
				"nodev", "mode=755", "tmpcopyup"));
}

static int add_file(json_t *mounts, const struct browser_policy *policy)
{
	char source[PATH_SIZE], place[PATH_SIZE];
	int error = path_format(source, SOURCES "/%s", policy->file);

	if (!error)
		error = path_format(place, "%s/%s", policy->folder, policy->file);
	return error ? error : oci_mount_add(mounts, source, place);
}

static int write_source(const struct browser_policy *policy)
{
	char path[PATH_SIZE];
	int error = path_format(path, SOURCES "/%s", policy->file);

	return error ? error : oci_source_write(path, policy->text);
}

static int add_all(json_t *mounts, int root)
{
	const size_t count = json_array_size(mounts);
	char covered[PATH_SIZE] = "";

	for (size_t i = 0; i < browser_policies_count; i++) {
		const struct browser_policy *policy = &browser_policies[i];
		char path[PATH_SIZE];
		int error = path_format(path, "%s", policy->folder);

		if (error)
			return error;
		if (!find_folder(root, path))
			continue;
		/*
		 * A bundle that was started before has the mount already. The source file
		 * may be missing, since the node may have been restarted meanwhile.
		 */
		error = write_source(policy);
		if (!error && is_mounted(mounts, count, path))
			continue;
		if (!error && strcmp(path, covered) != 0)
			error = add_tmpfs(mounts, path) ? -ENOMEM : 0;
		if (!error)
			error = add_file(mounts, policy);
		if (!error)
			error = path_format(covered, "%s", path);
		if (error)
			return error;
	}
	return 0;
}

int oci_add_browser_policies(json_t *config, const char *bundle, struct failure *failure)
{
	json_t *mounts;
	struct failure ignored;
	_fd_ int root = oci_root_open(config, bundle, &ignored);
	int error;

	/* The runtime reports the fault of such a bundle. */
	if (root < 0)
		return 0;
	error = oci_mounts_find(config, &mounts, failure);
	if (error)
		return error;
	error = folder_make(SOURCES);
	if (!error)
		error = add_all(mounts, root);
	return error ? fail(failure, error, "cannot provide settings of browsers in %s",
			       SOURCES)
		     : 0;
}
