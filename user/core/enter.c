// SPDX-License-Identifier: BSD-2-Clause
/* Private mounts over what would lead around the fence; see enter.h. */

#include <errno.h>
#include <limits.h>
#include <mntent.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>

#include "core/enter.h"
#include "lib/cleanup.h"

#define COVER_FLAGS (MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY)

/* Services that resolve any name, or start processes outside the job, for who may talk to them. */
static const char *const detours[] = {
	"/run/systemd/resolve/io.systemd.Resolve",
	"/run/systemd/private",
	"/run/nscd/socket",
	"/run/avahi-daemon/socket",
	"/run/dbus/system_bus_socket",
	"/run/docker.sock",
	"/run/containerd/containerd.sock",
	"/run/podman/podman.sock",
	"/run/crio/crio.sock",
};

static int cover_folder(const char *path)
{
	return mount("none", path, "tmpfs", COVER_FLAGS, "size=0,mode=0755") &&
			       errno != ENOENT
		       ? -errno
		       : 0;
}

static int cover_sockets(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(detours); i++)
		if (mount("/dev/null", detours[i], "none", MS_BIND, NULL) &&
			errno != ENOENT && errno != ENOTDIR)
			return -errno;
	return 0;
}

/* This mount alone, and not the file system, which all others share. */
static int make_read_only(const char *path)
{
	return mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | COVER_FLAGS, NULL) ? -errno
										 : 0;
}

/*
 * The job's own cgroup is all that the command sees of them, without a right to write. Who can name another may leave
 * the job's, and be it by clone3(2), which asks for rights to the file and not for those of the mount.
 */
static int show_own_cgroup(const char *path)
{
	if (umount2(path, MNT_DETACH) ||
		mount("cgroup2", path, "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		return -errno;
	return make_read_only(path);
}

/* The mounts that there are now, whatever is mounted while they are read. */
static FILE *open_mounts(char **text)
{
	_file_ FILE *file = fopen("/proc/self/mounts", "re");
	size_t size = 0;
	ssize_t length = file ? getdelim(text, &size, '\0', file) : -1;

	return length > 0 ? fmemopen(*text, (size_t)length, "r") : NULL;
}

/* Who sees pins could unpin them; who writes to cgroups of version 1 could leave the limits that they set. */
static int close_control_mounts(void)
{
	_free_ char *text = NULL;
	_file_ FILE *mounts = open_mounts(&text);
	const struct mntent *entry;
	int error = 0;

	if (!mounts)
		return -EIO;
	while (!error && (entry = getmntent(mounts))) {
		if (!strcmp(entry->mnt_type, "bpf"))
			error = cover_folder(entry->mnt_dir);
		else if (!strcmp(entry->mnt_type, "cgroup2"))
			error = show_own_cgroup(entry->mnt_dir);
		else if (!strcmp(entry->mnt_type, "cgroup"))
			error = make_read_only(entry->mnt_dir);
	}
	return error;
}

/* /etc/resolv.conf may be a link into /run. Without one the resolver asks the loopback, where nobody
 * answers. */
static int own_resolv_conf(const struct job *job)
{
	char own[PATH_SIZE], shown[PATH_MAX];

	if (path_format(own, "%s/resolv.conf", job->paths.run))
		return -ENAMETOOLONG;
	if (!realpath("/etc/resolv.conf", shown))
		return errno == ENOENT ? 0 : -errno;
	return mount(own, shown, "none", MS_BIND, NULL) ? -errno : 0;
}

int job_enter(const struct job *job, int netns)
{
	int error = 0;

	if (setns(netns, CLONE_NEWNET) || unshare(CLONE_NEWNS | CLONE_NEWCGROUP) ||
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	if (job->spec.network != NETWORK_FULL)
		error = own_resolv_conf(job);
	if (!error)
		error = cover_folder(RUN_FOLDER);
	/* A session's bus, keys and engines. */
	if (!error)
		error = cover_folder("/run/user");
	if (!error)
		error = cover_sockets();
	return error ? error : close_control_mounts();
}
