/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The locks that a change of a node's state holds. Each job has a lock, so that jobs
 * don't wait for each other. One more lock is for the programs, which all jobs share.
 * Each function returns a descriptor or -errno. Closing the descriptor releases the lock,
 * and so does the end of the process. A process has one job's lock at a time, and no
 * child inherits it.
 *
 * No wait is endless. After 25 seconds, or the given time, the functions return
 * -ETIMEDOUT, and `failure` says which process has the lock.
 */

#include "lib/failure.h"

/*
 * Locks the job with this name. Two names may share a lock, so no process may take two.
 */
int job_lock(const char *name, struct failure *failure);

/* Does the same with a wait of at most `seconds`. */
int job_lock_within(const char *name, int seconds, struct failure *failure);

/*
 * Does the same as job_lock() without waiting. Returns -EAGAIN, with no failure noted,
 * while another process has the lock.
 */
int job_try_lock(const char *name, struct failure *failure);

/*
 * Locks all jobs at once without waiting. Returns -EAGAIN, with no failure noted, while
 * another process has any job's lock.
 */
int jobs_try_lock(struct failure *failure);

/*
 * Locks the programs, which jobs share. A process with a job's lock may take this one,
 * but never the other way round.
 */
int node_lock(struct failure *failure);
