/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The cgroups that a job may have. A fence holds everything in its cgroup. So a cgroup
 * that others made must hold nothing but the job, and never the node.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/failure.h"

/*
 * Checks that a job may have the cgroup `cgroup`, which others made, and whose path is
 * `path`. Refused are:
 *
 * - the root of the tree or of the cgroup namespace
 * - a part of jobfence's own cgroups, or a cgroup above them
 * - a cgroup that holds the caller
 * - a cgroup that a job has already, or one above or below it
 * - with `container`, a cgroup with a process outside that container
 *
 * `container` is the first process of a container, or 0. A caller that holds the node's
 * lock until its programs are attached never gets the cgroup of another job. Returns 0,
 * or -errno with the failure noted.
 */
int place_check(const char *path, int cgroup, pid_t container, struct failure *failure);

/*
 * Whether no job may ever have the cgroup with that id, since it is the root, jobfence's
 * own or the caller's. A fence there is detached even though processes are in the cgroup,
 * since these can't be ended first.
 */
bool place_is_forbidden(uint64_t id);
