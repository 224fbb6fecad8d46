/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The locks that a change of a node's state holds. Each job has a lock, so that jobs
 * don't wait for each other. The node has one more, for the programs, which all jobs
 * share, and for cgroups that others made. Each function returns a descriptor or
 * -errno. Closing the descriptor releases the lock, and so does the end of the process.
 * A process has one job's lock at a time, and no child inherits it.
 *
 * No wait is endless. After 25 seconds, or the given time, the functions return
 * -ETIMEDOUT, and `failure` says which process has the lock.
 *
 * A process that needs both takes the job's lock first, then the node's.
 *
 *	verb		job's lock				node's lock
 *	up		during the build (c)			(a), (b)
 *	run		from the build to the start of the	(a)
 *			command, again during the end
 *	exec		until the command is in the cgroup
 *	down		during the end
 *	gc		during the end, one job at a time;
 *			after that all jobs at once (d)
 *	update		after the probe, during the change
 *	upgrade		from start to end			(a)
 *	repair		after the proxy was asked, during the
 *			restart
 *	oci-hook	during the build, during the end	(a), (b)
 *	list		as root, tried for a moment on each
 *			incomplete job
 *	show		only if the job can't be read, while
 *			it is read again
 *
 * The other verbs take no lock.
 *
 *	(a) While the programs are loaded and pinned, once for each version and node.
 *	(b) From the check of a cgroup that others made until its programs are attached.
 *	(c) Again during the end, if `up --json` can't print the job.
 *	(d) While the programs of unused versions are removed. If another command has a
 *	    lock, gc leaves them.
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
