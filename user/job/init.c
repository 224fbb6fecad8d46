// SPDX-License-Identifier: BSD-2-Clause
/* See init.h. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>

#include "job/init.h"
#include "lib/cleanup.h"
#include "node/cgroup.h"

/*
 * If a command was killed, the first process that it made may not have finished its
 * view. A process that joined it would see the files of the node.
 */
static bool has_view(pid_t pid)
{
	char path[PATH_SIZE], name[sizeof(INIT_NAME)] = "";
	_file_ FILE *file =
		path_format(path, "/proc/%d/comm", (int)pid) ? NULL : fopen(path, "re");

	return file && fgets(name, sizeof(name), file) && !strcmp(name, INIT_NAME);
}

int job_open_init(const struct job *job, pid_t *pid)
{
	_fd_ int init = -1;

	*pid = cgroup_first_process(job->paths.init);
	if (*pid > 0)
		init = pidfd_open(*pid, 0);
	/* Another process may have that number by now. */
	if (init < 0 || !has_view(*pid) || !cgroup_has_process(job->paths.init, *pid))
		return -ESRCH;
	return TAKE_FD(init);
}

bool job_has_container(const struct job *job)
{
	pid_t pid;
	_fd_ int init = job_open_init(job, &pid);

	return init >= 0;
}
