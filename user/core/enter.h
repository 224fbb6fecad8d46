/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The view of the node that a command in a job gets. */

#include "core/job.h"

/*
 * Takes the calling process, which is in the job's cgroup already, into the job's network namespace (unless negative)
 * and gives it a mount namespace of its own: with the job's resolv.conf, without the fence's own pins and state, with
 * no cgroup but the job's, which it can't change, and without the sockets of services that would resolve names or start processes on
 * the other side of the fence. Returns 0 or -errno.
 */
int job_enter(const struct job *job, int netns);
