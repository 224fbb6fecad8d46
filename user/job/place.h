/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Where a job may live. A fence around a cgroup holds all that is in it: so a cgroup that others made has to be one
 * that holds nothing but a job, and not the node.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/failure.h"

/*
 * Whether a job may get the cgroup `cgroup`, which others made and whose path is `path`. It may not where that is the
 * root of the tree or of the cgroup namespace, where it is part of jobfence's own cgroups or above them, where it holds
 * the caller, and where a job has it already, or one above or below it. With `container`, the first process of a
 * container (else 0), it may hold no process but the container's either. A caller that holds the lock of the node
 * until its programs are attached can't meet another one. Returns 0, or -errno with the failure noted.
 */
int place_check(const char *path, int cgroup, pid_t container, struct failure *failure);

/*
 * Whether the cgroup with that id is none that a job may get, for what is in it besides jobs: such a fence was
 * attached by mistake, and is taken off even though processes are in there, since these can't be ended first.
 */
bool place_is_mistaken(uint64_t id);
