// SPDX-License-Identifier: BSD-2-Clause
/* See filtered.h. */

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "node/cgroup.h"
#include "node/filtered.h"

/* Returns whether a process has a filter, from its status(5), or -ESRCH: it has ended. */
static int has_filter(pid_t pid)
{
	static const char key[] = "Seccomp:";
	char path[32], line[128];
	_file_ FILE *status = NULL;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	status = fopen(path, "re");
	if (!status)
		return -ESRCH;
	/* A kernel without seccomp has no such line. */
	while (fgets(line, sizeof(line), status))
		if (!strncmp(line, key, strlen(key)))
			return strtol(line + strlen(key), NULL, 10) == SECCOMP_MODE_FILTER;
	return false;
}

static int count_in(int cgroup, void *data)
{
	struct filtered *count = data;
	_fd_ int fd = openat(cgroup, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	_file_ FILE *procs = fd < 0 ? NULL : fdopen(fd, "r");
	char line[32];

	if (!procs)
		return -errno;
	TAKE_FD(fd);
	/* 0 is a process that the caller's PID namespace does not have. */
	while (fgets(line, sizeof(line), procs)) {
		pid_t pid = (pid_t)strtol(line, NULL, 10);
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
