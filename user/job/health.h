/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The condition of a complete job. */

#include "job/job.h"

enum condition {
	CONDITION_UP,	    /* everything is in place */
	CONDITION_STUCK,    /* its proxy runs and does not answer, see pulse.h */
	CONDITION_CUT_OFF,  /* its proxy has ended, so it has no network until `repair` */
	CONDITION_UNFENCED, /* its pins are gone, as after an unmount of bpffs */
	CONDITION_ENDING,   /* a `down` of the job was interrupted, or still runs */
	CONDITION_GONE,	    /* others removed its cgroup or its namespace */
};

/* The condition that can be seen without asking the proxy. Never CONDITION_STUCK. */
enum condition job_condition(const struct job *job);

/*
 * The name of the first process of a job's container, once the view of the container is
 * made.
 */
#define INIT_NAME "jobfence-init"

/*
 * Opens the first process of the container that the job's commands run in
 * (command/container.h). Returns a pidfd, with the number in `pid`. Returns -ESRCH if
 * there is no container.
 */
int job_open_init(const struct job *job, pid_t *pid);

/* Whether the job has a container now. */
bool job_has_container(const struct job *job);

/*
 * Marks the job as being ended. If `down` is interrupted, the next command sees the
 * mark. Returns 0 or -errno.
 */
int job_mark_ending(const struct job *job);

const char *condition_word(enum condition condition);

/*
 * Checks that the fence holds every process that is put into the job's cgroup. A job
 * that is cut off passes. Returns 0, or -errno with the failure noted.
 */
int job_check_fence(const struct job *job, struct failure *failure);

/*
 * Whether gc may end the job. Call with the job's lock held. A job is dead in each of
 * these cases:
 *
 * - Its pins are gone, or its packet filter is detached. Nothing fences its processes.
 * - A `down` has begun to end it.
 * - Nothing runs in it, and it is gone or cut off.
 * - It is closed (a job of `run` without shared paths), nothing runs in it, and its
 *   container has ended.
 * - Others made its cgroup, and nothing runs there. `up` is at least a minute ago. An
 *   earlier gc, at least a minute ago, found it empty too, and nothing has run in
 *   between.
 */
bool job_is_dead(const struct job *job);
