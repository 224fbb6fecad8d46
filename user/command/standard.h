/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The standard descriptors, which are all that a command inherits. */

#include "job/job.h"

/*
 * Refuses what would lead a command around its fence: a network socket, which could be connected anew; a folder, a namespace,
 * a cgroup, a BPF object or a device for packets. Returns 0, or -EINVAL with the reason noted. A job
 * whose network is full may have sockets.
 */
int standard_descriptors_check(const struct job *job, struct failure *failure);
