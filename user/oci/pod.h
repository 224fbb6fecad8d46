/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A pod of Kubernetes as a job. containerd's CRI makes a sandbox for each pod, which has
 * the pod's network namespace, and then the pod's containers. It writes annotations of its
 * own into each bundle (pkg/cri/annotations of containerd 1.6 and 1.7):
 *
 *	io.kubernetes.cri.container-type	sandbox or container
 *	io.kubernetes.cri.sandbox-id		the id of the sandbox
 *	io.kubernetes.cri.sandbox-uid		the pod's uid in the cluster
 *	io.kubernetes.cri.sandbox-name		the pod's name
 *	io.kubernetes.cri.sandbox-namespace	the pod's namespace in the cluster
 *
 * The pod's uid is the name of its job. The job's cgroup is that of the pod, in which the
 * sandbox and each container have theirs.
 */

#include <jansson.h>

#include "job/job.h"

#define LABEL_CONTAINER "container" /* of a job: the id of the container that made it */

enum pod_role {
	POD_NONE, /* the container is of no pod */
	POD_SANDBOX,
	POD_MEMBER, /* a container of a pod that has a sandbox */
};

/* A container's place in a pod. The texts belong to the JSON that was read. */
struct pod {
	enum pod_role role;
	const char *job;     /* the name of the pod's job */
	const char *sandbox; /* the id of the pod's sandbox */
};

/*
 * Reads the pod of a container from `container`, the configuration of its bundle or its
 * state. `annotations` says that the annotations are the engine's own (hook.h). If they are
 * not, a container of a pod is refused. Returns 0, or -EINVAL with the failure noted.
 */
int pod_read(struct pod *pod, const json_t *container, bool annotations,
	struct failure *failure);

/*
 * Completes the spec of a pod's job, by its sandbox: gives it its name, and labels with the
 * pod's name and namespace. A spec that has a name already is refused. Returns 0 or
 * -errno.
 */
int pod_complete_spec(const struct pod *pod, struct job_spec *spec, const json_t *container,
	struct failure *failure);

/* Whether the job is that of the pod's sandbox, and not another of the same name. */
bool pod_has_job(const struct pod *pod, const struct job *job);

/*
 * Turns the path of a sandbox's cgroup into that of the pod's cgroup, which is its parent.
 * Refuses a sandbox in the node's network namespace, whose path is `netns`. Returns 0 or
 * -errno.
 */
int pod_place(char cgroup[PATH_SIZE], const char *netns, struct failure *failure);

/*
 * Ends the pod's job once nothing runs in the pod's cgroup. Until then it does nothing,
 * since a container may outlive its sandbox. Returns 0 or -errno.
 */
int pod_stop(const struct pod *pod, struct failure *failure);

/*
 * Ends what an earlier sandbox of the pod left, if nobody told its end. Call it before the
 * runtime makes the new sandbox. Returns 0 or -errno. If containers of the earlier one
 * still run, that is -EBUSY.
 */
int pod_end_earlier(const struct pod *pod, struct failure *failure);
