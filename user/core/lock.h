/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The locks that a change of a node's state holds: one for each job, so that jobs don't wait for each
 * other, and one for what all jobs share. They wait for who has it, unless they are said to try, and return a descriptor, which
 * releases the lock when it is closed (its processes' end does as well), or -errno.
 */

#include "lib/failure.h"

/* The lock of the job with this name. Two names may share one: nobody takes a second. */
int job_lock(const char *name, struct failure *failure);

/* Gives a lock back, -1: none, also where a child has a copy of the descriptor, and closes that. */
void job_unlock(int lock);

/* The same as job_lock() without waiting: -EAGAIN, with no failure noted, while another has it. */
int job_try_lock(const char *name, struct failure *failure);

/* The locks of all jobs at once, without waiting for them: -EAGAIN, with no failure noted, while anyone has one. */
int jobs_try_lock(struct failure *failure);

/* The lock of what jobs share: the programs. Who has a job's may take it, never the other way. */
int node_lock(struct failure *failure);
