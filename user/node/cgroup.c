// SPDX-License-Identifier: BSD-2-Clause
/* See cgroup.h. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/files.h"
#include "node/cgroup.h"
#include "node/paths.h"

#define DEPTH_MAX      64   /* levels of nested cgroups that cgroup_each() visits */
#define BEGIN_PATIENCE 1000 /* ms of each wait for a child */
#define BEGIN_TRIES    10   /* waits at most, enough for a busy node */
#define LOOK_AGAIN     1000 /* ms */
#define FILEID_KERNFS  0xfe /* type of a file handle with a cgroup's id, Linux 4.14 */

int cgroup_open(const char *path)
{
	_fd_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs system;

	if (fd < 0 || fstatfs(fd, &system) < 0)
		return -errno;
	return system.f_type == CGROUP2_SUPER_MAGIC ? TAKE_FD(fd) : -ENOTDIR;
}

int cgroup_id(int fd, uint64_t *id)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	*id = status.st_ino;
	return 0;
}

int cgroup_open_id(uint64_t id)
{
	struct {
		struct file_handle handle;
		uint64_t id;
	} named = { .handle = { .handle_bytes = sizeof(id), .handle_type = FILEID_KERNFS },
		.id = id };
	const char *mount = cgroup_mount();
	_fd_ int root = mount ? cgroup_open(mount) : -ENODEV;
	int fd;

	if (root < 0)
		return root;
	fd = open_by_handle_at(root, &named.handle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

bool cgroup_is_at(const char *path, uint64_t id)
{
	_fd_ int fd = cgroup_open(path);
	uint64_t found = 0;

	return fd >= 0 && !cgroup_id(fd, &found) && found == id;
}

int cgroup_open_events(const char *path)
{
	char events[PATH_SIZE];
	int error = path_format(events, "%s/cgroup.events", path);
	int fd;

	if (error)
		return error;
	fd = open(events, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int read_populated(int events)
{
	char text[128];
	ssize_t length = pread(events, text, sizeof(text) - 1, 0);

	if (length < 0)
		return -errno;
	text[length] = '\0';
	return strstr(text, "populated 1") != NULL;
}

int cgroup_is_populated(uint64_t id)
{
	_fd_ int cgroup = cgroup_open_id(id);
	_fd_ int events = -1;
	int populated;

	if (cgroup < 0)
		return cgroup == -ESTALE ? 0 : cgroup;
	events = openat(cgroup, "cgroup.events", O_RDONLY | O_CLOEXEC);
	populated = events < 0 ? -errno : read_populated(events);
	return populated == -ENOENT || populated == -ENODEV ? 0 : populated;
}

/* Looks once in LOOK_AGAIN ms at least, so a change that is not told is seen, too. */
static int wait_until_empty(int events, int64_t patience)
{
	struct pollfd change = { .fd = events, .events = POLLPRI };
	const int64_t end = clock_ms(CLOCK_MONOTONIC) + patience;
	int populated;

	while ((populated = read_populated(events)) == 1) {
		int64_t left = end - clock_ms(CLOCK_MONOTONIC);

		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&change, 1, left < LOOK_AGAIN ? (int)left : LOOK_AGAIN) < 0 &&
			errno != EINTR)
			return -errno;
	}
	return populated == -ENODEV ? 0 : populated;
}

int cgroup_kill(const char *path, int seconds)
{
	char kill[PATH_SIZE];
	_fd_ int events = cgroup_open_events(path);
	int error;

	if (events == -ENOENT)
		return 0;
	if (events < 0)
		return events;
	error = path_format(kill, "%s/cgroup.kill", path);
	if (!error)
		error = file_write(kill, "1");
	return error ? error : wait_until_empty(events, seconds * 1000LL);
}

int cgroup_kill_each(const char *path, int seconds)
{
	char procs[PATH_SIZE], line[32];
	_fd_ int events = cgroup_open_events(path);
	_file_ FILE *file = NULL;

	if (events < 0)
		return events;
	if (path_format(procs, "%s/cgroup.procs", path))
		return -ENAMETOOLONG;
	file = fopen(procs, "re");
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		pid_t pid = (pid_t)strtol(line, NULL, 10);

		if (pid > 0 && kill(pid, SIGKILL) && errno != ESRCH)
			return -errno;
	}
	return wait_until_empty(events, seconds * 1000LL);
}

int cgroup_wait_until_empty(const char *path, int patience)
{
	_fd_ int events = cgroup_open_events(path);

	if (events < 0)
		return events == -ENOENT ? 0 : events;
	return wait_until_empty(events, patience);
}

int cgroup_thaw(const char *path)
{
	char freeze[PATH_SIZE];
	int error = path_format(freeze, "%s/cgroup.freeze", path);

	if (!error && file_exists(freeze))
		error = file_write(freeze, "0");
	return error;
}

static bool is_frozen(const char *path)
{
	char freeze[PATH_SIZE], said = '0';
	_fd_ int fd = path_format(freeze, "%s/cgroup.freeze", path)
			      ? -1
			      : open(freeze, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && read(fd, &said, 1) == 1 && said == '1';
}

bool cgroup_find_frozen(const char *path, char frozen[PATH_SIZE])
{
	const char *mount = cgroup_mount();

	if (!mount || path_format(frozen, "%s", path))
		return false;
	while (strlen(frozen) > strlen(mount) && !is_frozen(frozen)) {
		char *slash = strrchr(frozen, '/');

		if (!slash)
			return false;
		*slash = '\0';
	}
	return strlen(frozen) > strlen(mount);
}

bool cgroup_has_process(const char *path, pid_t pid)
{
	char procs[PATH_SIZE], line[32];
	_file_ FILE *file = NULL;

	if (path_format(procs, "%s/cgroup.procs", path))
		return false;
	file = fopen(procs, "re");
	while (file && fgets(line, sizeof(line), file))
		if (strtol(line, NULL, 10) == pid)
			return true;
	return false;
}

/*
 * Removes the children of a cgroup that have no cgroups in them. Returns the first child
 * that has, or NULL.
 */
static struct dirent *remove_children(DIR *cgroup)
{
	struct dirent *entry;

	rewinddir(cgroup);
	while ((entry = readdir(cgroup)))
		if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") &&
			strcmp(entry->d_name, "..") &&
			unlinkat(dirfd(cgroup), entry->d_name, AT_REMOVEDIR) &&
			errno != ENOENT)
			return entry;
	return NULL;
}

static DIR *open_below(DIR *cgroup, const char *name)
{
	_fd_ int fd = openat(
		dirfd(cgroup), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *opened = fd < 0 ? NULL : fdopendir(fd);

	if (opened)
		TAKE_FD(fd);
	return opened;
}

static int visit_below(
	int cgroup, int depth, int (*visit)(int cgroup, void *data), void *data)
{
	_fd_ int fd = openat(cgroup, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_dir_ DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int result;

	if (!folder)
		return -errno;
	TAKE_FD(fd);
	result = depth ? visit(dirfd(folder), data) : -ELOOP;
	while (!result && (entry = folder_next(folder, &result))) {
		_fd_ int child = -1;

		if (entry->d_type != DT_DIR)
			continue;
		child = openat(dirfd(folder), entry->d_name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child >= 0)
			result = visit_below(child, depth - 1, visit, data);
		else if (errno != ENOENT)
			result = -errno;
	}
	return result;
}

int cgroup_each(int cgroup, int (*visit)(int cgroup, void *data), void *data)
{
	return visit_below(cgroup, DEPTH_MAX, visit, data);
}

/*
 * A job may nest cgroups so deep that no path can name them. So the loop goes down and up
 * one level at a time.
 */
int cgroup_remove(const char *path)
{
	_dir_ DIR *current = opendir(path);
	ino_t emptied = 0; /* inode of the childless cgroup that the loop left last */
	size_t depth = 0;

	if (!current)
		return errno == ENOENT ? 0 : -errno;
	for (;;) {
		const struct dirent *child = remove_children(current);
		struct stat status;
		DIR *next;

		if (!child && !depth)
			break;
		if (child && child->d_ino == emptied)
			return -EBUSY;
		if (fstat(dirfd(current), &status))
			return -errno;
		emptied = child ? 0 : status.st_ino;
		next = open_below(current, child ? child->d_name : "..");
		if (!next)
			return -errno;
		depth += child ? 1 : (size_t)-1;
		closedir(current);
		current = next;
	}
	return rmdir(path) && errno != ENOENT ? -errno : 0;
}

static pid_t clone_into(int cgroup, uint64_t flags, int *pidfd)
{
	struct clone_args arguments = {
		.flags = CLONE_PIDFD | flags,
		.pidfd = (__u64)(uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = (__u64)cgroup,
	};
	pid_t pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));

	return pid < 0 ? -errno : pid;
}

static bool is_all_frozen(int cgroup)
{
	char text[128];
	_fd_ int events = openat(cgroup, "cgroup.events", O_RDONLY | O_CLOEXEC);
	ssize_t length = events < 0 ? -1 : read(events, text, sizeof(text) - 1);

	if (length < 0)
		return false;
	text[length] = '\0';
	return strstr(text, "frozen 1") != NULL;
}

/*
 * Whether a child ended before its first instruction. A child in a frozen cgroup neither
 * begins nor ends. It begins when the cgroup is thawed.
 */
static bool ended_unbegun(int cgroup, int pidfd, int begun)
{
	struct pollfd events[] = { { .fd = begun, .events = POLLIN },
		{ .fd = pidfd, .events = POLLIN } };
	int count, tries = BEGIN_TRIES;

	do
		count = poll(events, ARRAY_SIZE(events), BEGIN_PATIENCE);
	while ((count < 0 && errno == EINTR) ||
		(count == 0 && --tries > 0 && !is_all_frozen(cgroup)));
	return count > 0 && !events[0].revents;
}

/* Returns as fork(2) does, -ECANCELED if the child was killed at once, or -errno. */
static pid_t fork_inside(int cgroup, uint64_t namespaces)
{
	_fd_ int begun = eventfd(0, EFD_CLOEXEC), pidfd = -1;
	pid_t pid = begun < 0 ? -errno
			      : clone_into(cgroup, CLONE_INTO_CGROUP | namespaces, &pidfd);

	if (!pid && eventfd_write(begun, 1))
		_exit(1);
	if (pid <= 0 || !ended_unbegun(cgroup, pidfd, begun))
		return pid;
	waitpid(pid, NULL, 0);
	return -ECANCELED;
}

static int move_process(int cgroup, pid_t pid)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", (int)pid);
	_fd_ int procs = openat(cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC);

	if (procs < 0 || write(procs, text, (size_t)length) < 0)
		return -errno;
	return 0;
}

/*
 * The child waits until the parent has moved it. If the parent ends before that, the
 * child ends too.
 */
static pid_t fork_and_move(int cgroup, uint64_t namespaces)
{
	_fd_ int read_end = -1, write_end = -1, pidfd = -1;
	int pair[2], error;
	char byte;
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC))
		return -errno;
	read_end = pair[0];
	write_end = pair[1];
	pid = clone_into(0, namespaces, &pidfd);
	if (!pid) {
		close(TAKE_FD(write_end));
		if (read(read_end, &byte, 1) != 1)
			_exit(1);
	}
	if (pid <= 0)
		return pid;
	error = move_process(cgroup, pid);
	if (!error && write(write_end, "", 1) != 1)
		error = -errno;
	if (!error)
		return pid;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return error;
}

pid_t cgroup_fork(int cgroup, uint64_t namespaces)
{
	pid_t pid = fork_inside(cgroup, namespaces);

	return pid == -ECANCELED ? fork_and_move(cgroup, namespaces) : pid;
}

pid_t cgroup_first_process(const char *path)
{
	char procs[PATH_SIZE], line[32];
	_file_ FILE *file = NULL;

	if (path_format(procs, "%s/cgroup.procs", path))
		return 0;
	file = fopen(procs, "re");
	return file && fgets(line, sizeof(line), file) ? (pid_t)strtol(line, NULL, 10) : 0;
}
