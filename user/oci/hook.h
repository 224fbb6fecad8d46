/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A container of an OCI runtime (runc, crun) as a job. Nothing of the container's image is ever read: what it may do
 * comes from the job in whose cgroup it is started, or else from the annotations of the container, where
 * `annotations` says that these are the engine's own. Podman's are not: it copies those of an image's manifest (tried:
 * 4.3). Where they are not taken, a container that has some of ours is refused.
 */

#include <jansson.h>

#include "job/job.h"

#define ANNOTATION_PREFIX "io.jobfence."

/* The cgroup of version 2 of a process, as a path of its file system. Returns 0, -ENODEV where it has none of
 * its own, or -errno. */
int oci_cgroup(pid_t pid, char path[PATH_SIZE]);

/* The name of the job in whose cgroup `path` (below the mount of cgroup2) is. Returns 0, or -ENOENT: in none. */
int oci_job_of_cgroup(const char *path, char name[JOB_NAME_MAX + 1]);

/* Builds the fence of the container whose state (OCI runtime specification, "State") is given, or makes sure that it
 * is inside that of a job which is up. `policy` is the file of the node's policy; NULL: the default. Returns 0 or -errno. */
int oci_create(
	const json_t *state, bool annotations, const char *policy, struct failure *failure);

/* Ends the job of a container that has ended; the job in whose cgroup it was stays. Returns 0 or -errno. */
int oci_stop(const json_t *state, bool annotations, struct failure *failure);

/* Adds the hooks, called as `program`, to a bundle's configuration, and a resolv.conf where it has none, leads a container that is to start in a job's
 * cgroup into the job's network namespace, and narrows its filter of system calls unless its job has the network full. Returns 0 or -errno. */
int oci_add_hooks(json_t *config, const char *bundle, const char *program, bool annotations,
	struct failure *failure);
