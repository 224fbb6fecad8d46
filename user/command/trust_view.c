// SPDX-License-Identifier: BSD-2-Clause
/* See trust_view.h. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/trust_view.h"
#include "job/trust.h"
#include "lib/cleanup.h"
#include "lib/files.h"
#include "node/folder_cover.h"
#include "policy/browser_policy.h"

/* OpenSSL's folder of roots, each in a file that is named by a hash. */
#define CERTIFICATES "/etc/ssl/certs"

#define PLACES_MAX 8 /* of one file, as trust_bundle_places */

int trust_view_keep(const struct job *job, int *tree)
{
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
						     MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC };
	char folder[PATH_SIZE];
	_fd_ int copy = -1;
	int error = job->spec.intercept.count ? trust_folder(job, folder) : -ENOENT;

	if (error)
		return error == -ENOENT ? 0 : error;
	copy = open_tree(AT_FDCWD, folder, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (copy < 0 ||
		mount_setattr(copy, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)))
		return -errno;
	*tree = TAKE_FD(copy);
	return 0;
}

/*
 * Mounts a file of the job on a place. Links lead to the file that programs open. A mount
 * of that would be hidden by the next of the same place, so it is done once.
 */
static int put(const char *file, const char *place, char (*done)[PATH_MAX], size_t *count)
{
	char path[PATH_MAX];

	if (!realpath(place, path))
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	for (size_t i = 0; i < *count; i++)
		if (!strcmp(done[i], path))
			return 0;
	if (*count == PLACES_MAX)
		return -E2BIG;
	memcpy(done[(*count)++], path, sizeof(path));
	return mount(file, path, NULL, MS_BIND, NULL) ? -errno : 0;
}

static int put_all(const char *file, const char *const *places)
{
	char done[PLACES_MAX][PATH_MAX];
	size_t count = 0;
	int error = 0;

	for (; *places && !error; places++)
		error = put(file, *places, done, &count);
	return error;
}

/* Makes a file for a mount of one of the job's. */
static int add_file(const char *file, const char *path)
{
	_fd_ int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);

	return fd < 0 || mount(file, path, NULL, MS_BIND, NULL) ? -errno : 0;
}

/* Adds the authority to the folder in which OpenSSL looks. */
static int put_into_folder(void)
{
	struct stat status;
	int error;

	if (lstat(CERTIFICATES, &status) || !S_ISDIR(status.st_mode))
		return 0;
	error = folder_cover(CERTIFICATES);
	return error ? error
		     : add_file(TRUST_VIEW "/" TRUST_CA, CERTIFICATES "/" TRUST_CA_LINK);
}

/* Adds a policy where the view has one of ours already, on a file system of its own. */
static int put_into_browsers(void)
{
	int error = 0;

	for (size_t i = 0; !error && i < browser_policies_count; i++) {
		const struct browser_policy *policy = &browser_policies[i];
		char path[PATH_SIZE];

		if (path_format(path, "%s/%s", policy->folder, policy->file))
			return -ENAMETOOLONG;
		if (!strstr(policy->file, ".json") || !file_exists(path))
			continue;
		error = path_format(path, "%s/" BROWSER_POLICY_CA, policy->folder);
		if (!error)
			error = add_file(TRUST_VIEW "/" TRUST_POLICY, path);
	}
	return error;
}

int trust_view_mount(int tree)
{
	int error = tree < 0 ? 0 : folder_make(TRUST_VIEW);

	if (tree < 0 || error)
		return error;
	if (move_mount(tree, "", AT_FDCWD, TRUST_VIEW, MOVE_MOUNT_F_EMPTY_PATH))
		return -errno;
	error = put_into_folder();
	if (!error)
		error = put_into_browsers();
	if (!error)
		error = put_all(TRUST_VIEW "/" TRUST_BUNDLE, trust_bundle_places);
	return error ? error : put_all(TRUST_VIEW "/" TRUST_STORE, trust_store_places);
}
