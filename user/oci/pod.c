// SPDX-License-Identifier: BSD-2-Clause
/* See pod.h. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "job/down.h"
#include "lib/cleanup.h"
#include "node/cgroup.h"
#include "node/netns.h"
#include "oci/pod.h"

#define CRI_PREFIX "io.kubernetes.cri."
#define LABEL_SIZE 300 /* bytes: a pod's name has 253 at most */

/* An annotation of containerd's, or NULL. */
static const char *cri_annotation(const json_t *container, const char *key)
{
	return json_string_value(
		json_object_get(json_object_get(container, "annotations"), key));
}

int pod_read(
	struct pod *pod, const json_t *container, bool annotations, struct failure *failure)
{
	const char *type = cri_annotation(container, CRI_PREFIX "container-type");

	*pod = (struct pod){};
	if (!type)
		return 0;
	if (!annotations)
		return fail_as(failure, STATUS_USAGE,
			"a container of a pod needs a runtime that reads annotations: "
			"jobfence-runtime --annotations");
	if (!strcmp(type, "sandbox"))
		pod->role = POD_SANDBOX;
	else if (!strcmp(type, "container"))
		pod->role = POD_MEMBER;
	pod->job = cri_annotation(container, CRI_PREFIX "sandbox-uid");
	pod->sandbox = cri_annotation(container, CRI_PREFIX "sandbox-id");
	if (!pod->role || !pod->job || !pod->sandbox)
		return fail_as(failure, STATUS_USAGE,
			"the annotations " CRI_PREFIX "* do not tell the container's pod");
	return 0;
}

/* Adds a label with what an annotation says. */
static int add_label(struct job_spec *spec, const char *key, const json_t *container,
	const char *annotation, struct failure *failure)
{
	const char *value = cri_annotation(container, annotation);
	char text[LABEL_SIZE];

	if (!value)
		return 0;
	if (snprintf(text, sizeof(text), "%s=%s", key, value) >= (int)sizeof(text))
		return fail_as(failure, STATUS_USAGE, "the pod's %s is too long", key);
	return spec_add_label(spec, text, failure);
}

int pod_complete_spec(const struct pod *pod, struct job_spec *spec, const json_t *container,
	struct failure *failure)
{
	int error;

	/* Otherwise the author of a pod could take the name of another's. */
	if (spec->name[0])
		return fail_as(failure, STATUS_USAGE,
			"a pod can't name its job: the pod's uid is the name; leave out "
			"io.jobfence.job");
	error = add_label(spec, "pod", container, CRI_PREFIX "sandbox-name", failure);
	if (!error)
		error = add_label(spec, "namespace", container,
			CRI_PREFIX "sandbox-namespace", failure);
	return error ? error : spec_set_name(spec, pod->job, failure);
}

bool pod_has_job(const struct pod *pod, const struct job *job)
{
	const char *sandbox =
		json_string_value(json_object_get(job->spec.labels, LABEL_CONTAINER));

	return sandbox && !strcmp(sandbox, pod->sandbox);
}

int pod_place(char cgroup[PATH_SIZE], const char *netns, struct failure *failure)
{
	char *slash = strrchr(cgroup, '/');
	_fd_ int fd = netns_open(netns, failure);

	if (fd < 0)
		return fd;
	if (netns_is_current(fd))
		return fail_as(failure, STATUS_USAGE,
			"the pod is in the node's network (hostNetwork), where it can't be "
			"fenced; give it a network of its own");
	/* place_check() refuses the mount itself, and a cgroup that others are in. */
	if (slash)
		*slash = '\0';
	return 0;
}

int pod_stop(const struct pod *pod, struct failure *failure)
{
	_cleanup_(job_free) struct job job = {};
	struct failure ignored;
	int error;

	if (job_read(&job, pod->job, &ignored) || !pod_has_job(pod, &job))
		return 0;
	error = cgroup_is_populated(job.id);
	if (error < 0)
		return fail(failure, error, "cannot see who is in cgroup %s", job.cgroup);
	if (error)
		return 0;
	/* Two containers may end at the same time. */
	error = job_down(pod->job, NULL, failure);
	return failure->status == STATUS_NO_JOB ? 0 : error;
}

int pod_end_earlier(const struct pod *pod, struct failure *failure)
{
	_cleanup_(job_free) struct job job = {};
	struct failure ignored;

	/* A job whose cgroup is jobfence's own is no pod's. */
	if (pod->role != POD_SANDBOX || job_read(&job, pod->job, &ignored) ||
		job.own_cgroup || pod_has_job(pod, &job))
		return 0;
	return job_down(pod->job, NULL, failure);
}
