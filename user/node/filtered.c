// SPDX-License-Identifier: BSD-2-Clause
/* See filtered.h. */

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "node/cgroup.h"
#include "node/filtered.h"

/* Returns whether a process has a filter, from its status(5), or -ESRCH: it has ended. */
static int has_filter(pid_t pid)
{
	char path[32], line[128];
	_file_ FILE *status = NULL;
	int mode;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	status = fopen(path, "re");
	if (!status)
		return -ESRCH;
	/* A kernel without seccomp has no such line. */
	while (fgets(line, sizeof(line), status))
		if (sscanf(line, "Seccomp: %d", &mode) == 1)
			return mode == SECCOMP_MODE_FILTER;
	return false;
}

static int count_in(int cgroup, void *data)
{
	struct filtered *count = data;
	_fd_ int fd = openat(cgroup, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	_file_ FILE *procs = fd < 0 ? NULL : fdopen(fd, "r");
	pid_t pid;

	if (!procs)
		return -errno;
	TAKE_FD(fd);
	/* 0 is a process that the caller's PID namespace does not have. */
	while (fscanf(procs, "%d", &pid) == 1) {
		int filter = pid > 0 ? has_filter(pid) : -ESRCH;

		count->processes += filter >= 0;
		count->filtered += filter > 0;
	}
	return 0;
}

int filtered_count(uint64_t id, struct filtered *count)
{
	_fd_ int cgroup = cgroup_open_id(id);

	*count = (struct filtered){ 0 };
	if (cgroup < 0)
		return cgroup == -ESTALE ? 0 : cgroup;
	return cgroup_each(cgroup, count_in, count);
}
