/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A slice of systemd as the cgroup of a job, for engines that want one:
 *
 *	the unit	jobfence-JOB.slice
 *	its cgroup	<cgroup2>/jobfence.slice/jobfence-JOB.slice
 *
 * In a slice's name `-` stands between parent and child. So the name of the job is written
 * as systemd-escape(1) writes it: each `-` becomes `\x2d`. All other characters of a job's
 * name stay as they are, so no two jobs have the same slice.
 */

#include "lib/failure.h"
#include "node/paths.h"

/* The unit of a job. Returns 0, or -ENAMETOOLONG if systemd takes no such name. */
int slice_unit(const char *job, char unit[PATH_SIZE]);

/*
 * Finds the name of the job in whose slice a container is. `place` is one of two:
 *
 *	- the path of a cgroup, relative to the mount of cgroup2
 *	- linux.cgroupsPath of a bundle, as a runtime with --systemd-cgroup reads it:
 *	  SLICE:PREFIX:NAME
 *
 * The slice may be a child of the job's, as jobfence-JOB-pod.slice. Returns 0 or -ENOENT.
 */
int slice_job(const char *place, char name[JOB_NAME_MAX + 1]);

/*
 * Makes the slice of a job, and writes the path of its cgroup. Nobody else may have made
 * it before. A mark in the job's folder tells slice_cgroup() of it. Returns 0 or -errno.
 */
int slice_make(
	const struct job_paths *paths, char cgroup[PATH_SIZE], struct failure *failure);

/*
 * The cgroup that jobfence made for the processes of a job, complete or not: its slice if
 * that is marked, else paths->work. Returns 0 or -errno.
 */
int slice_cgroup(const struct job_paths *paths, char cgroup[PATH_SIZE]);

/*
 * Ends the processes in the job's slice. Does nothing if the job has none. Returns 0 or
 * -errno.
 */
int slice_kill(const struct job_paths *paths);

/*
 * Stops the job's slice, which removes its cgroup. Does nothing if the job has none.
 * Returns 0 or -errno.
 */
int slice_remove(const struct job_paths *paths, struct failure *failure);
