/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Whether a job has ended, though nobody called `down`. */

#include <stdbool.h>

#include "job/job.h"

/*
 * Whether gc may end the job. Call with the job's lock held. A job is dead in each of
 * these cases:
 *
 * - Its pins are gone, or its packet filter is detached. Nothing fences its processes.
 * - A `down` has begun to end it.
 * - Its owner has gone (owner.h). Processes of the job may still run.
 * - Nothing runs in it, and it is gone or cut off.
 * - It is closed (a job of `run` without shared paths), nothing runs in it, and its
 *   container has ended.
 * - Others made its cgroup, and nothing runs there. `up` is at least a minute ago. An
 *   earlier gc, at least a minute ago, found it empty too, and nothing has run in
 *   between.
 */
bool job_is_dead(const struct job *job);
