/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The locks that a change of a node's state holds: one for each job, so that jobs don't wait for each
 * other, and one for what all jobs share. They return a descriptor, which releases the lock when it is closed, or -errno. The
 * end of the process releases it as well. A process has one job's lock at a time; no child has it.
 *
 * No wait is endless: after 25 seconds, or what is given, they return -ETIMEDOUT, and `failure` says which process has the lock.
 */

#include "lib/failure.h"

/* The lock of the job with this name. Two names may share one: nobody takes a second. */
int job_lock(const char *name, struct failure *failure);

/* The same with a wait of so many seconds. */
int job_lock_within(const char *name, int seconds, struct failure *failure);

/* The same as job_lock() without waiting: -EAGAIN, with no failure noted, while another has it. */
int job_try_lock(const char *name, struct failure *failure);

/* The locks of all jobs at once, without waiting for them: -EAGAIN, with no failure noted, while anyone has one. */
int jobs_try_lock(struct failure *failure);

/* The lock of what jobs share: the programs. Who has a job's may take it, never the other way. */
int node_lock(struct failure *failure);
