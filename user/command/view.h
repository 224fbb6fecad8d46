/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The node's files as a job's commands see them. */

#include "job/job.h"

#define VIEW_STEP_MAX 128

/*
 * Changes the mounts of the calling process to the job's view. The process needs its own
 * mount namespace.
 *
 *	/run, /dev/shm		empty, with /run/lock, the shared paths, resolv.conf and
 *				empty folders of services. A user's first command
 *				makes its runtime folder (command/runtime_folder.h)
 *	/tmp/.X11-unix, …	empty: sockets of the node's services are out of reach
 *	/proc			of the PID namespace of the process
 *	cgroup2			the job's own cgroup, read-only
 *	bpf, autofs		empty
 *	/etc/ssl/certs, …	with the certificates of the job (command/trust_view.h)
 *	/etc/chromium, …	with settings for browsers (policy/browser_policy.h)
 *
 * Returns 0, or -errno with the failed step in `step`.
 */
int view_make(const struct job *job, char step[VIEW_STEP_MAX]);
