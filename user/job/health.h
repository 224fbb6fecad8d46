/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* How a job that is there is doing. */

#include "job/job.h"

enum condition {
	CONDITION_UP,	    /* all of it stands */
	CONDITION_STUCK,    /* its proxy is there and does not answer; see pulse.h */
	CONDITION_CUT_OFF,  /* its proxy has ended: no network until it is repaired */
	CONDITION_UNFENCED, /* its pins are gone, as after bpffs was unmounted */
	CONDITION_ENDING,   /* a `down` began to end it, and did not finish yet */
	CONDITION_GONE,	    /* its cgroup or its namespace was removed by others */
};

/* What can be seen without asking anybody: never CONDITION_STUCK. */
enum condition job_condition(const struct job *job);

/* The name of the first process of a job's container, once its view is made. */
#define INIT_NAME "jobfence-init"

/*
 * Opens the first process of the container that the job's commands run in
 * (command/container.h). Returns a pidfd, with the number in `pid`, or -ESRCH where there is
 * no container.
 */
int job_open_init(const struct job *job, pid_t *pid);

/* Whether the job has a container now. */
bool job_has_container(const struct job *job);

/* Notes that the job is being ended, for who finds it when `down` was interrupted. Returns 0 or -errno. */
int job_mark_ending(const struct job *job);

const char *condition_word(enum condition condition);

/* Whether what is put into the job's cgroup is in the job's fence, be it cut off. Returns 0, or -errno with the failure
 * noted. */
int job_check_fence(const struct job *job, struct failure *failure);

/* Whether the job belongs to nobody any more, and gc may end it: nothing runs in it, and either it is not whole, or it
 * lives in a cgroup of others that was found empty a minute ago as well, and that long after `up`. One that has lost its
 * pins is dead in any case: what runs in it is without a fence. So is one that a `down` began to end. For who has the lock of the job. */
bool job_is_dead(const struct job *job);
