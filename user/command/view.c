// SPDX-License-Identifier: BSD-2-Clause
/*
 * Private mounts that cover whatever leads around the fence. See view.h.
 *
 * Services of the node make their sockets below /run. The job gets its own /run, so
 * sockets that a service makes later, or again, stay out of reach. Before a path is
 * covered, the parts that the job keeps are copied as detached mounts. Afterwards the
 * copies are attached again.
 *
 * Nothing is unmounted. A user namespace inside the job copies these mounts locked.
 * Neither umount(2) of a single mount nor open_tree(2) can take a locked mount off
 * (mount_namespaces(7)).
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "command/runtime_folder.h"
#include "command/trust_view.h"
#include "command/view.h"
#include "lib/cleanup.h"
#include "lib/files.h"
#include "policy/browser_policy.h"
#include "policy/share.h"

#define COVER_FLAGS   (MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY)
#define PRIVATE_FLAGS (MS_NOSUID | MS_NODEV)
#define RESOLV_CONF   "/etc/resolv.conf"

/* A part of the node that the view keeps, or a file of the job that the view gets. */
struct kept {
	char path[PATH_MAX]; /* where it is attached; empty: nowhere */
	int tree;	     /* a detached copy of its mount */
	bool folder, in_runtime_folder;
	struct runtime_folder above; /* the user's, if `path` is in one */
};

#define KEPT_NONE \
	{ \
		.tree = -1, .above = RUNTIME_FOLDER_NONE \
	}

static void cleanup_kept(struct kept *kept)
{
	runtime_folder_close(&kept->above);
	if (kept->tree >= 0)
		close(kept->tree);
}

static void take_step(char step[VIEW_STEP_MAX], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Notes the current step, for the message if it fails. */
static void take_step(char step[VIEW_STEP_MAX], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(step, VIEW_STEP_MAX, format, arguments);
	va_end(arguments);
}

/*
 * A link may lead to a path that must not be shared under its own name. Returns 0,
 * -EACCES or another -errno.
 */
static int check_target(int fd)
{
	char opened[PATH_SIZE], target[PATH_MAX];
	ssize_t length;

	snprintf(opened, sizeof(opened), "/proc/thread-self/fd/%d", fd);
	length = readlink(opened, target, sizeof(target) - 1);
	if (length < 0)
		return -errno;
	target[length] = '\0';
	return share_is_own(target) ? -EACCES : 0;
}

/*
 * Copies the mount of `from`, to be attached at `path` later. Returns 0 or -errno. A
 * missing `from` is no error.
 */
static int keep(struct kept *kept, const char *from, const char *path, bool shared)
{
	_fd_ int fd = open(from, O_PATH | O_CLOEXEC);
	const size_t length = strlen(path);
	struct stat status;
	int error;

	*kept = (struct kept)KEPT_NONE;
	if (fd < 0 || fstat(fd, &status))
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	error = shared ? check_target(fd) : 0;
	if (error)
		return error;
	if (length >= sizeof(kept->path))
		return -ENAMETOOLONG;
	kept->tree = open_tree(
		fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
	if (kept->tree < 0)
		return -errno;
	kept->folder = S_ISDIR(status.st_mode);
	kept->in_runtime_folder = shared && runtime_folder_open_above(&kept->above, path);
	memcpy(kept->path, path, length + 1);
	return 0;
}

static int attach(int tree, const char *path)
{
	return move_mount(tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) ? -errno : 0;
}

/*
 * Makes the folders above `path`. If nothing is at `path`, makes a file or folder there
 * to attach to.
 */
static int make_place(const struct kept *kept)
{
	char parent[PATH_MAX];
	_fd_ int file = -1;
	int error;

	if (file_exists(kept->path))
		return 0;
	memcpy(parent, kept->path, sizeof(parent));
	*strrchr(parent, '/') = '\0';
	error = folder_make(kept->folder ? kept->path : parent);
	if (error || kept->folder)
		return error;
	file = open(kept->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	return file < 0 ? -errno : 0;
}

static int put_back(const struct kept *kept)
{
	int error = kept->in_runtime_folder ? runtime_folder_make(&kept->above) : 0;

	if (!error && kept->path[0])
		error = make_place(kept);
	return error || !kept->path[0] ? error : attach(kept->tree, kept->path);
}

/*
 * Mounts a new file system on a folder. Other users may own the folders above it, so
 * links are not followed. Returns 0 or -errno. A missing folder is no error.
 */
static int cover(
	const char *path, const char *type, unsigned long flags, const char *options)
{
	_fd_ int folder = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char opened[PATH_SIZE];

	if (folder < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : -errno;
	snprintf(opened, sizeof(opened), "/proc/thread-self/fd/%d", folder);
	return mount(type, opened, type, flags, options) ? -errno : 0;
}

static int cover_empty(const char *path)
{
	return cover(path, "tmpfs", COVER_FLAGS, "size=4k,mode=0755");
}

/* Makes only this mount read-only. All mounts of the file system share its own flags. */
static int make_read_only(const char *path)
{
	return mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | COVER_FLAGS, NULL) ? -errno
										 : 0;
}

/*
 * Shows the command only the job's own cgroup, and read-only. A process that can name
 * another cgroup could leave the job's: clone3(2) checks the rights of the file, not
 * those of the mount.
 */
static int show_own_cgroup(int own, const char *path)
{
	_fd_ int tree =
		open_tree(own, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	int error = tree < 0 ? -errno : attach(tree, path);

	return error ? error : make_read_only(path);
}

/* Reads all mounts at once, since the mounts may change while the list is read. */
static FILE *open_mounts(char **text)
{
	_file_ FILE *file = fopen("/proc/thread-self/mounts", "re");
	size_t size = 0;
	ssize_t length = file ? getdelim(text, &size, '\0', file) : -1;

	return length > 0 ? fmemopen(*text, (size_t)length, "r") : NULL;
}

/*
 * Covers a mount by its type:
 *
 *	bpf		a process that sees pins could remove them
 *	cgroup		a process that writes to version 1 could leave its limits
 *	cgroup2		see show_own_cgroup()
 *	proc		files of another /proc lead to processes outside the job
 *	autofs		an automounter looks up names for the job
 */
static int cover_mount(const struct mntent *entry, int own_cgroup)
{
	const char *type = entry->mnt_type, *path = entry->mnt_dir;

	if (!strcmp(type, "bpf") || !strcmp(type, "autofs"))
		return cover_empty(path);
	if (!strcmp(type, "proc") && strcmp(path, "/proc"))
		return cover(path, "proc", PRIVATE_FLAGS | MS_NOEXEC, NULL);
	/*
	 * A mount that is covered already is out of sight. This check comes after autofs,
	 * since it would make an automounter mount its folder.
	 */
	if (strncmp(type, "cgroup", 6) || !file_exists(path))
		return 0;
	if (!strcmp(type, "cgroup2"))
		return show_own_cgroup(own_cgroup, path);
	return strcmp(type, "cgroup") ? 0 : make_read_only(path);
}

static int cover_mounts(int own_cgroup, char step[VIEW_STEP_MAX])
{
	_free_ char *text = NULL;
	_file_ FILE *mounts = NULL;
	const struct mntent *entry;
	int error = 0;

	take_step(step, "read the mounts");
	mounts = open_mounts(&text);
	if (!mounts)
		return -EIO;
	while (!error && (entry = getmntent(mounts))) {
		take_step(step, "cover %s", entry->mnt_dir);
		error = cover_mount(entry, own_cgroup);
	}
	return error;
}

/* Folders with sockets or memory of the node's services. */
static const struct covered {
	const char *path, *type, *options;
} covered[] = {
	{ "/run", "tmpfs", "mode=0755" },
	{ "/var/run", "tmpfs", "mode=0755" }, /* a link, except on old nodes */
	{ "/tmp/.X11-unix", "tmpfs", "mode=1777" },
	{ "/tmp/.ICE-unix", "tmpfs", "mode=1777" },
	{ "/dev/shm", "tmpfs", "mode=1777" },
	{ "/dev/mqueue", "mqueue", NULL },
	{ "/dev/infiniband", "tmpfs", "mode=0755" },
};

static int cover_folder(const struct covered *folder, const char *path)
{
	return cover(path, folder->type, PRIVATE_FLAGS, folder->options);
}

/* Returns the device of a folder that has a file system of its own. Otherwise returns 0. */
static dev_t device_of(const char *path)
{
	struct stat status, parent;
	char above[PATH_SIZE];

	if (path_format(above, "%s/..", path) || lstat(path, &status) ||
		stat(above, &parent) || !S_ISDIR(status.st_mode) ||
		status.st_dev == parent.st_dev)
		return 0;
	return status.st_dev;
}

/*
 * Covers copies of these folders. A chroot often has the node's /run or /dev bound into
 * it: the same files by another path.
 */
static int cover_copies(
	FILE *mounts, const dev_t devices[ARRAY_SIZE(covered)], char step[VIEW_STEP_MAX])
{
	const struct mntent *entry;
	struct stat status;
	int error = 0;

	while (!error && (entry = getmntent(mounts))) {
		/*
		 * Do not stat other types, since that would make an automounter mount its
		 * folder.
		 */
		if ((strcmp(entry->mnt_type, "tmpfs") &&
			    strcmp(entry->mnt_type, "mqueue")) ||
			lstat(entry->mnt_dir, &status))
			continue;
		take_step(step, "cover %s", entry->mnt_dir);
		for (size_t i = 0; !error && i < ARRAY_SIZE(covered); i++)
			if (devices[i] && devices[i] == status.st_dev)
				error = cover_folder(&covered[i], entry->mnt_dir);
	}
	return error;
}

/* Whether users other than root may write to a folder. */
static bool is_of_service(const struct stat *status)
{
	return S_ISDIR(status->st_mode) &&
	       (status->st_uid || status->st_mode & S_IWOTH ||
		       (status->st_gid && status->st_mode & S_IWGRP));
}

/*
 * Makes empty copies of the services' folders in /run. The node makes such a folder for a
 * service that does not run as root (tmpfiles.d(5)). The service could not make it
 * itself.
 */
static int make_service_folders(int run)
{
	_fd_ int fd = openat(run, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_dir_ DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	struct stat status;
	char path[PATH_SIZE];
	int error = 0;

	if (!folder)
		return -errno;
	TAKE_FD(fd);
	while ((entry = folder_next(folder, &error))) {
		if (entry->d_name[0] == '.' ||
			fstatat(dirfd(folder), entry->d_name, &status,
				AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) ||
			!is_of_service(&status) ||
			path_format(path, "/run/%s", entry->d_name))
			continue;
		if (mkdir(path, 0700) || chown(path, status.st_uid, status.st_gid) ||
			chmod(path, status.st_mode & 07777))
			return -errno;
	}
	return error;
}

static int cover_folders(char step[VIEW_STEP_MAX])
{
	_fd_ int run = open("/run", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	dev_t devices[ARRAY_SIZE(covered)];
	_free_ char *text = NULL;
	_file_ FILE *mounts = open_mounts(&text);
	int error = mounts ? 0 : -EIO;

	for (size_t i = 0; i < ARRAY_SIZE(covered); i++)
		devices[i] = device_of(covered[i].path);
	for (size_t i = 0; !error && i < ARRAY_SIZE(covered); i++) {
		take_step(step, "cover %s", covered[i].path);
		error = cover_folder(&covered[i], covered[i].path);
	}
	if (!error && run >= 0)
		error = make_service_folders(run);
	return error ? error : cover_copies(mounts, devices, step);
}

/*
 * Covers devices for AF_VSOCK. With them a program acts as a hypervisor or as its guest,
 * and reaches sockets of AF_VSOCK on the node.
 */
static int cover_devices(char step[VIEW_STEP_MAX])
{
	static const char *const devices[] = { "/dev/vhost-vsock", "/dev/vmci" };

	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		take_step(step, "cover %s", devices[i]);
		if (file_exists(devices[i]) &&
			mount("/dev/null", devices[i], NULL, MS_BIND, NULL))
			return -errno;
	}
	return 0;
}

/*
 * /etc/resolv.conf may be a link into /run. The job's own file names the stub resolver.
 * With a full network the job keeps the node's file.
 */
static int keep_resolv_conf(const struct job *job, struct kept *kept)
{
	char own[PATH_SIZE], shown[PATH_MAX];

	*kept = (struct kept)KEPT_NONE;
	if (!realpath(RESOLV_CONF, shown))
		return errno == ENOENT ? 0 : -errno;
	if (job->spec.network == NETWORK_FULL)
		return strncmp(shown, "/run/", 5) ? 0 : keep(kept, shown, shown, false);
	if (path_format(own, "%s/resolv.conf", job->paths.run))
		return -ENAMETOOLONG;
	return keep(kept, own, shown, false);
}

struct kept_list {
	struct kept *list;
	size_t count;
};

static void cleanup_kept_list(struct kept_list *kept)
{
	for (size_t i = 0; i < kept->count; i++)
		cleanup_kept(&kept->list[i]);
	free(kept->list);
}

/*
 * A missing share is skipped, since a node's policy lists the shares of all its services.
 */
static int keep_shares(
	const struct job *job, struct kept_list *kept, char step[VIEW_STEP_MAX])
{
	const size_t count = json_array_size(job->shares);
	int error = 0;

	kept->list = calloc(count, sizeof(*kept->list));
	if (count && !kept->list)
		return -ENOMEM;
	while (!error && kept->count < count) {
		const char *path =
			json_string_value(json_array_get(job->shares, kept->count));

		take_step(step, "keep %s", path);
		error = keep(&kept->list[kept->count++], path, path, true);
	}
	return error;
}

static int put_back_shares(const struct kept_list *kept, char step[VIEW_STEP_MAX])
{
	int error = 0;

	for (size_t i = 0; !error && i < kept->count; i++) {
		take_step(step, "attach %s", kept->list[i].path);
		error = put_back(&kept->list[i]);
	}
	return error;
}

/* With a full network no proxy refuses requests of browsers, so they need no settings. */
static int provide_settings(const struct job *job, char step[VIEW_STEP_MAX])
{
	take_step(step, "mount settings of browsers");
	return job->spec.network == NETWORK_HTTP ? browser_policy_mount() : 0;
}

/* The parts of the node that the view keeps. */
struct parts {
	struct kept resolv_conf, locks;
	struct kept_list shares;
};

static void cleanup_parts(struct parts *parts)
{
	cleanup_kept(&parts->resolv_conf);
	cleanup_kept(&parts->locks);
	cleanup_kept_list(&parts->shares);
}

static int keep_parts(const struct job *job, struct parts *parts, char step[VIEW_STEP_MAX])
{
	int error;

	take_step(step, "keep " RESOLV_CONF " and /run/lock");
	error = keep_resolv_conf(job, &parts->resolv_conf);
	if (!error)
		error = keep(&parts->locks, "/run/lock", "/run/lock", false);
	return error ? error : keep_shares(job, &parts->shares, step);
}

static int put_back_parts(const struct parts *parts, char step[VIEW_STEP_MAX])
{
	int error;

	take_step(step, "attach " RESOLV_CONF " and /run/lock");
	error = put_back(&parts->locks);
	if (!error)
		error = put_back(&parts->resolv_conf);
	return error ? error : put_back_shares(&parts->shares, step);
}

int view_make(const struct job *job, char step[VIEW_STEP_MAX])
{
	_cleanup_(cleanup_parts) struct parts parts = { .resolv_conf = KEPT_NONE,
		.locks = KEPT_NONE };
	_fd_ int own_cgroup = -1, trust = -1;
	int error;

	take_step(step, "make the mounts private");
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	take_step(step, "open cgroup %.100s", job->cgroup);
	own_cgroup = open(job->cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (own_cgroup < 0)
		return -errno;
	take_step(step, "keep the certificates of the job");
	error = trust_view_keep(job, &trust);
	if (!error)
		error = keep_parts(job, &parts, step);
	if (!error)
		error = cover_folders(step);
	if (!error)
		error = cover_devices(step);
	if (!error)
		error = put_back_parts(&parts, step);
	/* The parts that were put back may contain such mounts as well. */
	if (!error)
		error = cover_mounts(own_cgroup, step);
	if (!error)
		error = provide_settings(job, step);
	if (error)
		return error;
	take_step(step, "mount the certificates of the job");
	error = trust_view_mount(trust);
	if (error)
		return error;
	take_step(step, "mount /proc");
	return cover("/proc", "proc", PRIVATE_FLAGS | MS_NOEXEC, NULL);
}
