// SPDX-License-Identifier: BSD-2-Clause
/*
 * See runtime_folder.h.
 *
 * The user may change the folder outside while it is copied. So the type of an entry is
 * read from the opened descriptor, and the same descriptor is read. Processes of the job
 * may be in the view already. So a folder is filled under another name, and gets its own
 * name when it is complete.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "command/runtime_folder.h"
#include "lib/cleanup.h"
#include "lib/debugging.h"
#include "lib/files.h"
#include "node/paths.h"

#define ENTRIES_MAX 1024 /* of any type */
#define DEPTH_MAX   8
#define FILE_MAX    (1 << 20)
#define BYTES_MAX   (4 << 20) /* of all files; they count as the job's memory */

static const char *const places[RUNTIME_PLACES] = { "/run/user", "/run/containers" };

struct copying {
	unsigned entries;
	size_t bytes;
	bool incomplete;
};

static int copy_folder(int from, int to, unsigned depth, struct copying *copying);

/* Opens an entry without side effects. A device or a FIFO may have some. */
static int open_entry(int folder, const char *name)
{
	const struct open_how how = { .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV };

	return (int)syscall(SYS_openat2, folder, name, &how, sizeof(how));
}

static int give(int fd, const struct stat *status)
{
	return fchown(fd, status->st_uid, status->st_gid) ||
			       fchmod(fd, status->st_mode & 0777)
		       ? -errno
		       : 0;
}

/* Copies a regular file as long as it was when it was opened. */
static int copy_file(int entry, const struct stat *status, int to, const char *name,
	struct copying *copying)
{
	_fd_ int source = -1, target = -1;
	size_t left = (size_t)status->st_size;
	char opened[PATH_SIZE];
	ssize_t count = 1;

	if (left > FILE_MAX || left > BYTES_MAX - copying->bytes) {
		copying->incomplete = true;
		return 0;
	}
	snprintf(opened, sizeof(opened), "/proc/thread-self/fd/%d", entry);
	/* The owner may hold a lease (fcntl(2)), which would keep this call waiting. */
	source = open(opened, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (source < 0) {
		copying->incomplete = true;
		return 0;
	}
	target = openat(
		to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (target < 0)
		return -errno;
	copying->bytes += left;
	while (left && count > 0) {
		count = sendfile(target, source, NULL, left);
		if (count < 0)
			return -errno;
		left -= (size_t)count;
	}
	return give(target, status);
}

static int copy_below(int entry, const struct stat *status, int to, const char *name,
	unsigned depth, struct copying *copying)
{
	_fd_ int target = -1;
	int error;

	if (depth > DEPTH_MAX) {
		copying->incomplete = true;
		return 0;
	}
	if (mkdirat(to, name, 0700))
		return -errno;
	target = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (target < 0)
		return -errno;
	error = copy_folder(entry, target, depth, copying);
	return error ? error : give(target, status);
}

static int copy_entry(
	int from, const char *name, int to, unsigned depth, struct copying *copying)
{
	_fd_ int entry = open_entry(from, name);
	struct stat status;

	if (entry < 0 || fstat(entry, &status)) {
		if (errno != ENOENT && errno != ELOOP && errno != EXDEV)
			copying->incomplete = true;
		return 0;
	}
	if (S_ISDIR(status.st_mode))
		return copy_below(entry, &status, to, name, depth + 1, copying);
	return S_ISREG(status.st_mode) ? copy_file(entry, &status, to, name, copying) : 0;
}

static int copy_folder(int from, int to, unsigned depth, struct copying *copying)
{
	_fd_ int fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_dir_ DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int error = 0;

	if (!folder) {
		copying->incomplete = true;
		return 0;
	}
	TAKE_FD(fd);
	while (!error && (entry = folder_next(folder, &error))) {
		if (copying->entries++ == ENTRIES_MAX) {
			copying->entries = ENTRIES_MAX;
			copying->incomplete = true;
			break;
		}
		error = copy_entry(dirfd(folder), entry->d_name, to, depth, copying);
	}
	return error;
}

/* Makes and fills the job's folder, and gives it to the user. */
static int fill(const char *path, const struct runtime_folder *folder, int outside,
	struct copying *copying)
{
	const struct stat status = {
		.st_uid = folder->uid, .st_gid = folder->gid, .st_mode = 0700
	};
	_fd_ int fd = mkdir(path, 0700)
			      ? -1
			      : open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int error = fd < 0 ? -errno : 0;

	if (!error && outside >= 0)
		error = copy_folder(outside, fd, 0, copying);
	return error ? error : give(fd, &status);
}

/* Whether the job's view has the place for itself. It may share the node's instead. */
static bool is_own(const char *place)
{
	struct stat run, status;

	return !stat("/run", &run) && !stat(place, &status) && run.st_dev == status.st_dev;
}

/*
 * The folder is made in one that is root's alone. So a process of the user can't put links
 * into it while it is removed, if another command was first.
 */
static int make_place(const char *place, const struct runtime_folder *folder, int outside)
{
	char path[PATH_SIZE], above[PATH_SIZE], unfinished[PATH_SIZE];
	struct copying copying = { 0 };
	int error;

	if (path_format(path, "%s/%u", place, folder->uid) ||
		path_format(above, "%s/.XXXXXX", place))
		return -ENAMETOOLONG;
	if (file_exists(path))
		return 0;
	error = folder_make(place);
	if (error || !is_own(place))
		return error;
	if (!mkdtemp(above))
		return -errno;
	error = path_format(unfinished, "%s/unfinished", above)
			? -ENAMETOOLONG
			: fill(unfinished, folder, outside, &copying);
	if (!error && renameat2(AT_FDCWD, unfinished, AT_FDCWD, path, RENAME_NOREPLACE))
		error = -errno;
	tree_remove(above);
	if (!error && copying.incomplete && debugging_verbose())
		fprintf(stderr,
			"jobfence: the job sees not all files of %s: at most %d entries, %d "
			"levels, %d bytes each and %d in all are copied\n",
			path, ENTRIES_MAX, DEPTH_MAX, FILE_MAX, BYTES_MAX);
	/* Another command of the same user was first. */
	return error == -EEXIST ? 0 : error;
}

int runtime_folder_make(const struct runtime_folder *folder)
{
	int error = make_place(places[0], folder, folder->outside[0]);

	for (size_t i = 1; !error && i < ARRAY_SIZE(places); i++)
		if (folder->outside[i] >= 0)
			error = make_place(places[i], folder, folder->outside[i]);
	return error;
}

/*
 * A user may mount FUSE on the own folder, and then let readers wait. Returns the folder,
 * or -1.
 */
static int open_outside(const char *place, uid_t uid, struct stat *status)
{
	char path[PATH_SIZE];
	struct statfs system;
	_fd_ int fd = path_format(path, "%s/%u", place, uid)
			      ? -1
			      : open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fstatfs(fd, &system) || system.f_type == FUSE_SUPER_MAGIC ||
		fstat(fd, status) || status->st_uid != uid)
		return -1;
	return TAKE_FD(fd);
}

void runtime_folder_open(struct runtime_folder *folder, uid_t uid, gid_t gid)
{
	struct stat status;

	folder->uid = uid;
	folder->gid = gid;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		folder->outside[i] = open_outside(places[i], uid, &status);
}

bool runtime_folder_open_above(struct runtime_folder *folder, const char *path)
{
	const char *run = strncmp(path, "/var/", 5) ? path : path + 4;
	const size_t length = strlen(places[0]);
	struct stat status;
	char *end;

	if (strncmp(run, places[0], length) || run[length] != '/')
		return false;
	folder->uid = (uid_t)strtoul(run + length + 1, &end, 10);
	if (end == run + length + 1 || *end != '/')
		return false;
	folder->outside[0] = open_outside(places[0], folder->uid, &status);
	if (folder->outside[0] < 0)
		return false;
	folder->gid = status.st_gid;
	return true;
}

void runtime_folder_close(struct runtime_folder *folder)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (folder->outside[i] >= 0)
			close(folder->outside[i]);
}
