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
