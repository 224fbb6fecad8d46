/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A container of an OCI runtime (runc, crun) as a job. Nothing in the container's image
 * gives it rights. The job in whose cgroup the container starts does. Without such a job
 * they come from the container's annotations.
 *
 * `annotations` says that the annotations are the engine's own. Podman's are not, since
 * it copies those of an image's manifest (tried with 4.3). If annotations are not
 * accepted, a container that has annotations of jobfence is refused.
 */

#include <jansson.h>

#include "job/job.h"

#define ANNOTATION_PREFIX "io.jobfence."

/*
 * Finds the cgroup of version 2 of a process, as a path of its file system. Returns 0,
 * -errno, or -ENODEV if the process has no such cgroup of its own.
 */
int oci_cgroup(pid_t pid, char path[PATH_SIZE]);

/*
 * Builds the fence of a container from its state (OCI runtime specification, "State"). If
 * the container is in the cgroup of a job that is up, or of a pod, checks that it is inside
 * that job's fence. `file` is that of the node's policy; NULL: the default. Returns 0 or
 * -errno.
 */
int oci_create(
	const json_t *state, bool annotations, const char *file, struct failure *failure);

/*
 * Ends the job of a container that has ended. If the container was in the cgroup of
 * another job, that job stays. The last container of a pod ends the pod's job. Returns 0 or
 * -errno.
 */
int oci_stop(const json_t *state, bool annotations, struct failure *failure);

/*
 * Whether TLS of the container's job will be opened. A mistake in the annotations counts as
 * no, since the hook reports it.
 */
bool oci_opens_tls(const json_t *config, bool annotations);

/*
 * Changes a bundle's configuration:
 *
 *	- adds the hooks, called as `program`
 *	- moves a container that starts in a job's cgroup into the job's network namespace
 *	- adds a resolv.conf if the container has none
 *	- narrows the container's filter of system calls
 *
 * A container whose job has the network full gets neither of the last two. What an earlier
 * sandbox of a pod left is ended (pod.h). Returns 0 or -errno.
 */
int oci_add_hooks(json_t *config, const char *bundle, const char *program, bool annotations,
	struct failure *failure);
