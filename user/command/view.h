/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The files of the node as the commands of a job see them. */

#include "job/job.h"

#define VIEW_STEP_MAX 128

/*
 * Changes the mounts of the calling process, which has a mount namespace of its own, to the job's view:
 *
 *	/run, /dev/shm		empty, with /run/lock, the paths that are shared, resolv.conf and empty
 *				folders of services
 *	/tmp/.X11-unix, …	empty: no sockets of the node's services are in reach
 *	/proc			of the PID namespace that the process is in
 *	cgroup2			the job's own cgroup, read-only
 *	bpf, autofs		empty
 *	/etc/chromium, …	with settings for browsers (policy/browser_policy.h)
 *
 * Returns 0, or -errno with what failed in `step`.
 */
int view_make(const struct job *job, char step[VIEW_STEP_MAX]);

/* Makes the runtime folder of a user in the view, /run/user/UID. Returns 0 or -errno. */
int view_make_runtime_folder(uid_t uid, gid_t gid);
