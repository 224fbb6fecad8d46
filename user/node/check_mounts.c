// SPDX-License-Identifier: BSD-2-Clause
/* See check_mounts.h. */

#include <linux/magic.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/failure.h"
#include "lib/files.h"
#include "node/check_mounts.h"
#include "node/paths.h"

#define CGROUPS "/sys/fs/cgroup"

static bool is_of_type(const char *path, long type)
{
	struct statfs system;

	return !statfs(path, &system) && system.f_type == type;
}

static bool is_read_only(const char *path)
{
	struct statvfs system;

	return !statvfs(path, &system) && system.f_flag & ST_RDONLY;
}

static void check_cgroups(struct findings *findings)
{
	const char *mount = cgroup_mount();
	char command[PATH_SIZE + 32];

	if (!mount) {
		findings_add(findings, FINDING_LACKS, "cgroup2",
			"the fence is attached to cgroups of version 2",
			"mount -t cgroup2 none " CGROUPS
			", or boot with systemd.unified_cgroup_hierarchy=1",
			"cgroup v2 is not mounted");
		return;
	}
	snprintf(command, sizeof(command), "mount -o remount,rw %s", mount);
	if (is_read_only(mount))
		findings_add(findings, FINDING_LACKS, "cgroup2",
			"each job gets cgroups there", command,
			"cgroup v2 is mounted read-only at %s, as in a container", mount);
	else if (is_of_type(CGROUPS, TMPFS_MAGIC))
		findings_add(findings, FINDING_NOTE, "cgroup2",
			"engines that use version 1 put containers where no fence holds them",
			"boot with systemd.unified_cgroup_hierarchy=1",
			"cgroups are hybrid: version 2 is at %s, and version 1 beside it",
			mount);
	else
		findings_add(findings, FINDING_OK, "cgroup2", NULL, NULL,
			"cgroup v2 is mounted at %s", mount);
}

static void check_bpffs(struct findings *findings)
{
	if (is_of_type(BPF_MOUNT, BPF_FS_MAGIC))
		findings_add(findings, FINDING_OK, "bpffs", NULL, NULL,
			"bpffs is mounted at %s", BPF_MOUNT);
	else if (!file_exists(BPF_MOUNT))
		findings_add(findings, FINDING_LACKS, "bpffs",
			"the fences of jobs are pinned there",
			"mount -t sysfs sysfs /sys, and boot a kernel with CONFIG_BPF_SYSCALL=y",
			"there is no %s to mount bpffs at", BPF_MOUNT);
	else
		findings_add(findings, FINDING_NOTE, "bpffs",
			"fences are pinned there; the first job mounts it, in the mount namespace of its caller",
			"mount -t bpf -o mode=0700 bpf " BPF_MOUNT,
			"bpffs is not mounted at %s", BPF_MOUNT);
}

void check_mounts(struct findings *findings)
{
	struct failure failure = {};

	check_cgroups(findings);
	check_bpffs(findings);
	if (paths_check(&failure))
		findings_add(findings, FINDING_LACKS, "folders",
			"whoever may write there could take fences off",
			"chown root:root and chmod go-w this folder", "%s", failure.text);
	else
		findings_add(findings, FINDING_OK, "folders", NULL, NULL,
			"nobody but root may write where jobs are kept");
}
