/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Giving a job that runs the programs of this version. */

#include "lib/failure.h"

/*
 * Replaces the programs of the job of that name, in place: at each moment every hook has one, the old or the new. What the
 * job may do, its clock, its counters and its connections are as before; its proxy is not touched.
 *
 * Returns 0, also where they are this version's already; -EPROTO or -EXDEV with nothing changed where they can't take
 * each other's place; -errno with STATUS_NO_JOB where there is no such job.
 */
int job_upgrade(const char *name, struct failure *failure);
