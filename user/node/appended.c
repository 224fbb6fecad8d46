// SPDX-License-Identifier: BSD-2-Clause
/* See appended.h. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "node/appended.h"

/* The user who called sudo. Root's own number if nobody did. */
static uid_t sudo_user(void)
{
	const char *text = getenv("SUDO_UID");
	unsigned long uid = 0;

	errno = 0;
	if (text && text[0] && strspn(text, "0123456789") == strlen(text))
		uid = strtoul(text, NULL, 10);
	return errno || uid >= UINT32_MAX ? 0 : (uid_t)uid;
}

static bool is_trusted(uid_t uid)
{
	return !uid || uid == geteuid() || uid == sudo_user();
}

/*
 * Whether others may write there, too. A group that has a user's number is that user's own,
 * as adduser(8) makes it.
 */
static bool others_write(const struct stat *state)
{
	return state->st_mode & S_IWOTH ||
	       (state->st_mode & S_IWGRP && !is_trusted((uid_t)state->st_gid));
}

static const char *writers(const struct stat *state)
{
	return state->st_mode & S_IWOTH ? "everybody" : "a group";
}

static int check_part(const char *path, struct failure *failure)
{
	struct stat state;

	if (lstat(path, &state))
		return fail(failure, -errno, "cannot see %s", path);
	if (!is_trusted(state.st_uid))
		return fail_as(failure, STATUS_FAILED,
			"%s belongs to the user with the number %u, who could lead the log elsewhere; choose "
			"another file",
			path, (unsigned)state.st_uid);
	if (S_ISDIR(state.st_mode) && others_write(&state) && !(state.st_mode & S_ISVTX))
		return fail_as(failure, STATUS_FAILED,
			"%s may write to %s, and could lead the log elsewhere; choose another "
			"file",
			writers(&state), path);
	return 0;
}

/* Checks a folder and all above it. */
static int check_folders(const char *folder, struct failure *failure)
{
	char part[PATH_MAX];
	size_t length = strlen(folder);
	int error;

	if (length >= sizeof(part))
		return fail(failure, -ENAMETOOLONG, "log");
	memcpy(part, folder, length + 1);
	error = check_part("/", failure);
	for (char *slash = part; !error && (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		error = check_part(part, failure);
		*slash = '/';
	}
	return error || !length ? error : check_part(part, failure);
}

/*
 * Checks the file, which somebody may have made before, in a folder such as /tmp where
 * everybody may.
 */
static int check_file(const char *path, const struct stat *state, struct failure *failure)
{
	if (!S_ISREG(state->st_mode) && !S_ISFIFO(state->st_mode) &&
		!S_ISCHR(state->st_mode))
		return fail_as(failure, STATUS_FAILED,
			"%s is no file that a log can be written to", path);
	if (S_ISREG(state->st_mode) && state->st_nlink != 1)
		return fail_as(failure, STATUS_FAILED,
			"%s has other names, or none; choose another file", path);
	if (S_ISREG(state->st_mode) && others_write(state))
		return fail_as(failure, STATUS_FAILED,
			"%s may write to %s; choose another file", writers(state), path);
	return is_trusted(state->st_uid)
		       ? 0
		       : fail_as(failure, STATUS_FAILED,
				 "%s belongs to the user with the number %u; choose another file",
				 path, (unsigned)state->st_uid);
}

static int make_file(int folder, const char *name)
{
	struct stat state;
	_fd_ int fd = openat(folder, name,
		O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || fstat(folder, &state))
		return -errno;
	if (state.st_uid && fchown(fd, state.st_uid, state.st_gid))
		return -errno;
	return TAKE_FD(fd);
}

/* Opens a file that is there. Its kind tells how. */
static int open_there(int folder, const char *name)
{
	struct stat state;
	int fd, flags = O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

	if (fstatat(folder, name, &state, AT_SYMLINK_NOFOLLOW))
		return -errno;
	flags |= S_ISREG(state.st_mode) ? O_RDWR : O_WRONLY;
	fd = openat(folder, name, flags);
	/* Only a pipe lacks a reader. A socket gives the same error. */
	if (fd < 0 && errno == ENXIO && !S_ISFIFO(state.st_mode))
		return -EOPNOTSUPP;
	return fd < 0 ? -errno : fd;
}

static int open_in(const char *path, const char *folder_path, const char *name,
	struct failure *failure)
{
	const struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS };
	/* The folder that was checked, in which no part is a link. */
	_fd_ int folder =
		(int)syscall(SYS_openat2, AT_FDCWD, folder_path, &how, sizeof(how));
	_fd_ int fd = folder < 0 ? -errno : make_file(folder, name);

	if (fd == -EEXIST)
		fd = open_there(folder, name);
	if (fd == -ENXIO)
		return fail_as(failure, STATUS_FAILED,
			"nobody reads from %s; start the reader first", path);
	if (fd == -ELOOP)
		return fail_as(failure, STATUS_FAILED,
			"%s is a symbolic link; name the file that it leads to", path);
	return fd < 0 ? fail(failure, fd, "cannot open the log %s", path) : TAKE_FD(fd);
}

int appended_open(const char *path, bool *regular, struct failure *failure)
{
	char given[PATH_MAX], real[PATH_MAX];
	const char *slash = strrchr(path, '/');
	struct stat state;
	_fd_ int fd = -1;
	int error;

	if (path[0] != '/' || slash - path >= (long)sizeof(given))
		return fail(failure, -EINVAL, "log %s", path);
	memcpy(given, path, (size_t)(slash - path));
	given[slash - path] = '\0';
	error = check_folders(given, failure);
	if (error)
		return error;
	if (!realpath(given[0] ? given : "/", real))
		return fail(failure, -errno, "cannot see %s", given);
	/* Most paths have no link in them. */
	error = strcmp(real, given) ? check_folders(real, failure) : 0;
	if (error)
		return error;
	fd = open_in(path, real, slash + 1, failure);
	if (fd < 0)
		return fd;
	if (fstat(fd, &state))
		return fail(failure, -errno, "cannot see %s", path);
	*regular = S_ISREG(state.st_mode);
	error = check_file(path, &state, failure);
	return error ? error : TAKE_FD(fd);
}
