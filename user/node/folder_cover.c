// SPDX-License-Identifier: BSD-2-Clause
/*
 * See folder_cover.h. Files and links are copied: a package manager replaces files by
 * rename(2), which fails on a mount point. Folders are mounted.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/files.h"
#include "node/folder_cover.h"

#define COVER_FLAGS (MS_NOSUID | MS_NODEV)

static int copy_link(int from, int to, const char *name)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(from, name, target, sizeof(target) - 1);

	if (length < 0)
		return -errno;
	target[length] = '\0';
	return symlinkat(target, to, name) ? -errno : 0;
}

static int copy_file(int from, int to, const char *name, const struct stat *status)
{
	_fd_ int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	_fd_ int out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t length;

	if (in < 0 || out < 0)
		return -errno;
	while ((length = sendfile(out, in, NULL, INT_MAX)) > 0)
		;
	if (length < 0 || fchown(out, status->st_uid, status->st_gid) ||
		fchmod(out, status->st_mode & 07777) ||
		futimens(out, (struct timespec[]){ status->st_atim, status->st_mtim }))
		return -errno;
	return 0;
}

static int mount_folder(int from, int to, const char *name)
{
	_fd_ int tree = open_tree(from, name,
		OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW);

	if (tree < 0 || mkdirat(to, name, 0755) ||
		move_mount(tree, "", to, name, MOVE_MOUNT_F_EMPTY_PATH))
		return -errno;
	return 0;
}

static int bring(int from, int to, const char *name)
{
	struct stat status;

	/* The entry may be gone by now. */
	if (fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	if (S_ISDIR(status.st_mode))
		return mount_folder(from, to, name);
	if (S_ISLNK(status.st_mode))
		return copy_link(from, to, name);
	return S_ISREG(status.st_mode) ? copy_file(from, to, name, &status) : 0;
}

int folder_cover(const char *path)
{
	_dir_ DIR *from = opendir(path);
	const struct dirent *entry;
	_fd_ int to = -1;
	struct stat status;
	int error = 0;

	if (!from || fstat(dirfd(from), &status) ||
		mount("tmpfs", path, "tmpfs", COVER_FLAGS, NULL))
		return -errno;
	to = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to < 0 || fchown(to, status.st_uid, status.st_gid) ||
		fchmod(to, status.st_mode & 07777))
		return -errno;
	while (!error && (entry = folder_next(from, &error)))
		error = bring(dirfd(from), to, entry->d_name);
	return error;
}
