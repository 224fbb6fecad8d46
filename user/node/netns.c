// SPDX-License-Identifier: BSD-2-Clause
/* Makes, names and enters network namespaces. loopback.c sets up their `lo`. */

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "lib/files.h"
#include "node/netns.h"
#include "node/paths.h"

#define CURRENT_NETNS "/proc/thread-self/ns/net"

int netns_enter(int netns, struct netns_visit *visit)
{
	visit->home = open(CURRENT_NETNS, O_RDONLY | O_CLOEXEC);
	if (visit->home < 0)
		return -errno;
	if (setns(netns, CLONE_NEWNET) < 0) {
		int error = -errno;

		close(visit->home);
		visit->home = -1;
		return error;
	}
	return 0;
}

void netns_leave(struct netns_visit *visit)
{
	if (visit->home < 0)
		return;
	if (setns(visit->home, CLONE_NEWNET) < 0)
		abort();
	close(visit->home);
	visit->home = -1;
}

/*
 * The folder of names is a shared mount. So a name appears and disappears in every mount
 * namespace. ip-netns(8) expects the same.
 */
static int share_folder(void)
{
	int error = folder_make(NETNS_FOLDER);

	if (error)
		return error;
	if (!mount("", NETNS_FOLDER, "none", MS_SHARED | MS_REC, NULL))
		return 0;
	if (errno != EINVAL ||
		mount(NETNS_FOLDER, NETNS_FOLDER, "none", MS_BIND | MS_REC, NULL) ||
		mount("", NETNS_FOLDER, "none", MS_SHARED | MS_REC, NULL))
		return -errno;
	return 0;
}

static int make_in_place(const char *path)
{
	_cleanup_(netns_leave) struct netns_visit visit = { -1 };
	_fd_ int netns = -1;
	int error;

	visit.home = open(CURRENT_NETNS, O_RDONLY | O_CLOEXEC);
	if (visit.home < 0 || unshare(CLONE_NEWNET) < 0)
		return -errno;
	netns = open(CURRENT_NETNS, O_RDONLY | O_CLOEXEC);
	if (netns < 0)
		return -errno;
	error = file_write(path, "");
	if (error)
		return error;
	return mount(CURRENT_NETNS, path, "none", MS_BIND, NULL) ? -errno : TAKE_FD(netns);
}

int netns_make(const char *path, struct failure *failure)
{
	int error = share_folder(), netns;

	if (error)
		return fail(failure, error, "cannot share %s", NETNS_FOLDER);
	netns = make_in_place(path);
	return netns < 0 ? fail(failure, netns, "cannot make network namespace %s", path)
			 : netns;
}

int netns_open(const char *path, struct failure *failure)
{
	_fd_ int netns = open(path, O_RDONLY | O_CLOEXEC);

	if (netns < 0)
		return fail(failure, -errno, "cannot open network namespace %s", path);
	if (ioctl(netns, NS_GET_NSTYPE) != CLONE_NEWNET)
		return fail_as(failure, STATUS_USAGE, "%s is no network namespace", path);
	return TAKE_FD(netns);
}

bool netns_is_current(int netns)
{
	struct stat current, other;

	return !stat(CURRENT_NETNS, &current) && !fstat(netns, &other) &&
	       current.st_ino == other.st_ino && current.st_dev == other.st_dev;
}

int netns_cookie(int netns, uint64_t *cookie)
{
	_cleanup_(netns_leave) struct netns_visit visit = { -1 };
	socklen_t length = sizeof(*cookie);
	_fd_ int any = -1;
	int error = netns_enter(netns, &visit);

	if (error)
		return error;
	any = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return any < 0 || getsockopt(any, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &length)
		       ? -errno
		       : 0;
}

int netns_remove(const char *path)
{
	if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) && errno != EINVAL &&
		errno != ENOENT)
		return -errno;
	return unlink(path) && errno != ENOENT ? -errno : 0;
}
