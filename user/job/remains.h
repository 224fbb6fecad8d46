/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The parts of a job, complete or not, and how they are removed. */

#include <stdbool.h>

#include "lib/failure.h"
#include "node/paths.h"

/*
 * Removes everything that has the job's name. Processes in a cgroup of our own are
 * killed first, so the fence has nothing left to hold. Returns 0, also if there was
 * nothing, or -errno.
 */
int remains_remove(const struct job_paths *paths, struct failure *failure);

/*
 * Checks that no process lives in a job that is incomplete here. Its record may be
 * lost, or /run may be another than that of `up`. Any of these counts as life:
 *
 * - processes in a cgroup of others, as in remains_check_unfenced()
 * - processes in a cgroup of our own, behind a fence that stands
 * - a proxy whose log is elsewhere
 *
 * Returns 0, or -EBUSY or another -errno with the failure noted.
 */
int remains_check_idle(const struct job_paths *paths, struct failure *failure);

/*
 * Fails with -EBUSY if the removal of this incomplete job would unfence running
 * processes. The links of the job may hold processes in a cgroup that others made.
 * Without the links they would have the node's whole network. Returns 0, or -errno with
 * the failure noted.
 */
int remains_check_unfenced(const struct job_paths *paths, struct failure *failure);
