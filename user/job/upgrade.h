/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Gives a running job the programs of this version. */

#include <stdbool.h>

#include "lib/failure.h"

/*
 * Replaces the programs of the job of that name in place. At each moment every hook has
 * one program, the old or the new. The job keeps its rights, clock, counters and
 * connections. With `proxy` the proxy is replaced after the programs, and the job's
 * connections end. Otherwise the proxy stays.
 *
 * Returns 0, also if the programs are this version's already, or -errno. If the
 * programs can't replace each other, it returns -EPROTO or -EXDEV, and nothing has
 * changed. If there is no such job, the status is STATUS_NO_JOB.
 */
int job_upgrade(const char *name, bool proxy, struct failure *failure);
