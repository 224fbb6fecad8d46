/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The standard descriptors. A command inherits no others. */

#include "job/job.h"

/*
 * Refuses a standard descriptor that would lead a command around its fence:
 *
 *	a network socket	a command could connect it again; allowed if the job's
 *				network is full
 *	kernel objects		a namespace, a cgroup, a BPF object and the like
 *	others			a folder, or a device for packets
 *
 * Returns 0, or -EINVAL with the reason noted.
 */
int standard_descriptors_check(const struct job *job, struct failure *failure);
