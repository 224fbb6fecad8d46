/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A step of Slurm on this node: slurmstepd and the processes of the job that it starts.
 * Slurm's plugin for cgroups of version 2 makes these, below a scope of its own:
 *
 *	system			slurmstepd before its step
 *	job_N			the job; the fence is around this
 *	job_N/step_M/slurm	slurmstepd; later only what it forks
 *	job_N/step_M/user/...	the tasks
 *
 * slurmstepd talks to the controller and to srun, so it may not be behind the fence. It
 * gets a cgroup beside that of the job, jobfence_N_step_M. Slurm would move it back, each
 * time that one of its plugins asks for a cgroup of the step. So slurmstepd sees the file
 * cgroup.procs of its new cgroup in the place of the old one's. What slurmstepd forks
 * begins in `slurm`. Slurm then moves each task to `user`.
 */

#include <stdbool.h>
#include <stdint.h>

#include "node/paths.h"

/*
 * A file that only root can open. Anybody may open the folder of a cgroup, and hold a lock
 * of it for ever (flock(2)).
 */
#define STEP_LOCK RUN_FOLDER "/lock.slurm"

struct step {
	char cgroup[PATH_SIZE];	   /* path of job_N */
	char procs[PATH_SIZE];	   /* path of cgroup.procs of job_N/step_M/slurm */
	char kill[PATH_SIZE];	   /* path of cgroup.kill beside it */
	char own[PATH_SIZE];	   /* path of jobfence_N_step_M, empty: it is not there */
	char own_procs[PATH_SIZE]; /* path of its cgroup.procs */
	int lock;		   /* the file STEP_LOCK; closing it ends the lock */
	int entrance;		   /* the file `procs` */
	int waiting;		   /* cgroup.procs of `system` */
};

/*
 * Waits for the lock of a job on this node. The steps of a job begin one after the other.
 * Returns 0 or -errno.
 */
int step_lock(struct step *step, uint32_t job);

/*
 * Finds the cgroups of the caller's step, which is one of the job with that number, and
 * moves the caller out of the job. Call step_lock() before. The descriptors of `step` have
 * to be -1. Returns 0, -ENOENT if the caller is in none of Slurm's cgroups, or -errno.
 */
int step_leave(struct step *step, uint32_t job);

/*
 * Has Slurm leave the caller where step_leave() put it. This thread, and what it forks,
 * get a mount namespace of their own. So a fence has to be made before. Returns 0 or
 * -errno.
 */
int step_stay_out(const struct step *step);

/*
 * Kills what is left of the programs that slurmstepd ran around the tasks. Removes the
 * cgroup that step_leave() made. Slurm has no more use for the step's.
 */
void step_end(struct step *step);

/*
 * Moves the caller behind the fence: into the job's cgroup and, if `netns` is not -1, its
 * network namespace. Returns 0 or -errno.
 */
int step_enter(const struct step *step, int netns);

/* Whether the caller is behind the fence. Needs no privileges. */
bool step_is_inside(const struct step *step, int netns);
