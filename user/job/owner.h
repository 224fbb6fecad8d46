/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The owner of a job: the process that will end it, as an executor. gc ends a job whose
 * owner has gone. The owner is known by its number and its start, so that a later process
 * with the same number is nobody.
 */

#include "job/job.h"

enum ownership {
	OWNER_NONE, /* the job has no owner */
	OWNER_ALIVE,
	OWNER_GONE,    /* all its threads have, also if its parent does not reap it */
	OWNER_UNKNOWN, /* its PID namespace is another, or /proc does not show it */
};

/*
 * Notes the owner that the spec names, if any. It has to run, in the caller's PID
 * namespace. Returns 0, or -errno with the failure noted.
 */
int job_note_owner(struct job *job, struct failure *failure);

/* Whether the owner still runs. */
enum ownership job_ownership(const struct job *job);
