// SPDX-License-Identifier: BSD-2-Clause
/*
 * See standard.h. A list of allowed devices would be safer, but there are too many
 * character devices. So the devices that lead to a network are listed.
 */

#include <errno.h>
#include <linux/magic.h>
#include <linux/major.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "command/standard.h"
#include "lib/cleanup.h"

#ifndef PID_FS_MAGIC
#define PID_FS_MAGIC 0x50494446 /* Linux 6.9 */
#endif
#define INFINIBAND_MAJOR 231 /* Documentation/admin-guide/devices.txt */
#define PPP_MAJOR	 108

static bool is_network_device(dev_t device)
{
	/*
	 * MISC_MAJOR includes tun, vhost-net, vhost-vsock and rdma_cm. No command needs a
	 * device of these majors as its input.
	 */
	return major(device) == MISC_MAJOR || major(device) == INFINIBAND_MAJOR ||
	       major(device) == PPP_MAJOR;
}

static bool is_kernel_object(int fd)
{
	struct statfs system;

	if (fstatfs(fd, &system))
		return true;
	switch ((unsigned long)system.f_type) {
	case ANON_INODE_FS_MAGIC: /* BPF, io_uring, pidfd, perf */
	case BPF_FS_MAGIC:
	case CGROUP_SUPER_MAGIC:
	case CGROUP2_SUPER_MAGIC:
	case NSFS_MAGIC:
	case PID_FS_MAGIC:
		return true;
	}
	return false;
}

/* Names the kind of a descriptor that a command must not have. NULL: it may have it. */
static const char *find_fault(int fd, bool sockets)
{
	socklen_t length = sizeof(int);
	struct stat status;
	int family;

	if (fstat(fd, &status))
		return NULL; /* it is closed */
	if (S_ISSOCK(status.st_mode))
		return !sockets && (getsockopt(
					    fd, SOL_SOCKET, SO_DOMAIN, &family, &length) ||
					   family != AF_UNIX)
			       ? "a network socket"
			       : NULL;
	if (S_ISDIR(status.st_mode))
		return "a folder";
	if (S_ISCHR(status.st_mode) && is_network_device(status.st_rdev))
		return "a device for packets";
	return is_kernel_object(fd) ? "an object of the kernel" : NULL;
}

int standard_descriptors_check(const struct job *job, struct failure *failure)
{
	static const char *const names[] = { "input", "output", "error" };

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		const char *fault = find_fault(fd, job->spec.network == NETWORK_FULL);

		if (fault)
			return fail_as(failure, STATUS_FAILED,
				"standard %s is %s, which would lead the command around its fence; give it a "
				"pipe",
				names[fd], fault);
	}
	return 0;
}
