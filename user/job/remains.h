/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What there is of a job, and how it is removed, whether or not it was ever whole. */

#include <stdbool.h>

#include "lib/failure.h"
#include "node/paths.h"

/*
 * Removes all that has the job's name. What was in a cgroup of our own is killed first, so nothing is left
 * that the fence would have to hold. Returns 0, also when there was nothing, or -errno.
 */
int remains_remove(const struct job_paths *paths, struct failure *failure);

/*
 * Whether nobody lives in a job that is not whole here: in a cgroup of others as below, in one of our own behind a fence
 * that stands, or with a proxy whose log is elsewhere. Its record was lost, or /run is not that in which it was made. Returns 0,
 * or -EBUSY or -errno with the failure noted.
 */
int remains_are_idle(const struct job_paths *paths, struct failure *failure);

/*
 * Whether the links of a job that is not whole still fence processes in a cgroup that others made: without them
 * these would have all of the node's network. Returns 0, or -EBUSY or -errno with the failure noted.
 */
int remains_check_unfencing(const struct job_paths *paths, struct failure *failure);
