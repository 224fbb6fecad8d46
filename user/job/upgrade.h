/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Giving a job that runs the programs of this version. */

#include <stdbool.h>

#include "lib/failure.h"

/*
 * Replaces the programs of the job of that name, in place: at each moment every hook has one, the old or the new. What the
 * job may do, its clock, its counters and its connections are as before. Its proxy is not touched unless `proxy` says so:
 * then it is replaced as well, once the programs are, and the job's connections end.
 *
 * Returns 0, also where they are this version's already; -EPROTO or -EXDEV with nothing changed where they can't take
 * each other's place; -errno with STATUS_NO_JOB where there is no such job.
 */
int job_upgrade(const char *name, bool proxy, struct failure *failure);
