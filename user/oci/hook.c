// SPDX-License-Identifier: BSD-2-Clause
/* See hook.h. */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "job/admit.h"
#include "job/down.h"
#include "job/health.h"
#include "job/up.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "node/cgroup.h"
#include "node/slice.h"
#include "oci/container_trust.h"
#include "oci/hook.h"
#include "oci/pod.h"
#include "oci/resolv_conf.h"
#include "oci/seccomp.h"

#define HOOK_TIMEOUT 30 /* seconds */

int oci_cgroup(pid_t pid, char path[PATH_SIZE])
{
	const char *mount = cgroup_mount();
	char file[PATH_SIZE], line[PATH_MAX];
	_file_ FILE *cgroups = NULL;

	if (!mount || path_format(file, "/proc/%d/cgroup", (int)pid))
		return -ENODEV;
	cgroups = fopen(file, "re");
	while (cgroups && fgets(line, sizeof(line), cgroups)) {
		char *end = strchr(line, '\n');

		/* A part of a path leads to another cgroup. */
		if (!end)
			return -ENAMETOOLONG;
		*end = '\0';
		/*
		 * Refuse the root, and a cgroup outside the mount, which is shown as
		 * "/..".
		 */
		if (!strncmp(line, "0::/", 4) && line[4] && strncmp(line + 4, "..", 2))
			return path_format(path, "%s%s", mount, line + 3);
	}
	return -ENODEV;
}

/*
 * Finds the name of the job in whose cgroup `path` is. `path` is relative to the mount of
 * cgroup2, or names a slice of systemd as slice_job() reads it. There need not be such a
 * job, and its cgroup may be another. Returns 0, or -ENOENT if the path names no job.
 */
static int job_of_cgroup(const char *path, char name[JOB_NAME_MAX + 1])
{
	static const char parent[] = "/jobfence/", work[] = "/work/";
	const char *start = path + sizeof(parent) - 1;
	size_t length;

	if (strncmp(path, parent, sizeof(parent) - 1))
		return slice_job(path, name);
	length = strcspn(start, "/");
	if (!length || length > JOB_NAME_MAX ||
		strncmp(start + length, work, sizeof(work) - 1))
		return -ENOENT;
	for (size_t i = 0; i < length; i++)
		name[i] = (char)(start[i] == ':' ? '.' : start[i]);
	name[length] = '\0';
	return 0;
}

/* Adds each part of a text that stands between `separators`. */
static int add_each(struct job_spec *spec, const char *text, const char *separators,
	int (*add)(struct job_spec *spec, const char *text, struct failure *failure),
	struct failure *failure)
{
	_free_ char *list = strdup(text);
	char *rest = NULL;
	int error = list ? 0 : fail(failure, -ENOMEM, "annotations");

	for (char *word = error ? NULL : strtok_r(list, separators, &rest); word && !error;
		word = strtok_r(NULL, separators, &rest))
		error = add(spec, word, failure);
	return error;
}

static int apply(struct job_spec *spec, const char *key, const json_t *value,
	struct failure *failure)
{
	const char *text = json_string_value(value);

	if (!text || strlen(text) != json_string_length(value))
		return fail_as(failure, STATUS_USAGE,
			"annotation " ANNOTATION_PREFIX "%.32s has to be a string", key);
	if (!strcmp(key, "job"))
		return spec_set_name(spec, text, failure);
	if (!strcmp(key, "domains"))
		return add_each(spec, text, ", \t\n", spec_add_domain, failure);
	if (!strcmp(key, "allow-ech"))
		return add_each(spec, text, ", \t\n", spec_add_ech, failure);
	if (!strcmp(key, "intercept"))
		return add_each(spec, text, ", \t\n", spec_add_intercept, failure);
	if (!strcmp(key, "rules"))
		return add_each(spec, text, "\n", spec_add_rule, failure);
	if (!strcmp(key, "rate"))
		return spec_set_rate(spec, text, failure);
	if (strcmp(key, "network"))
		return fail_as(failure, STATUS_USAGE,
			"annotation " ANNOTATION_PREFIX
			"%.32s is none of: job, network, domains, rate, allow-ech, intercept, rules",
			key);
	if (!strcmp(text, "full"))
		return fail_as(failure, STATUS_USAGE,
			"a container can't have the network full by annotation");
	return spec_set_network(spec, text, failure);
}

static int read_annotations(
	struct job_spec *spec, const json_t *state, bool trusted, struct failure *failure)
{
	const char *key;
	json_t *value;
	int error = 0;

	json_object_foreach (json_object_get(state, "annotations"), key, value) {
		if (error || strncmp(key, ANNOTATION_PREFIX, sizeof(ANNOTATION_PREFIX) - 1))
			continue;
		if (!trusted)
			return fail_as(failure, STATUS_USAGE,
				"annotation %.64s may be the image's: annotations are not "
				"taken here; see --annotations in: jobfence help oci-hook",
				key);
		error = apply(spec, key + sizeof(ANNOTATION_PREFIX) - 1, value, failure);
	}
	return error;
}

/*
 * Completes the job. Without a name from the annotations, the container's id is the name.
 * The pod names the job of its sandbox.
 */
static int finish_spec(struct job_spec *spec, const struct pod *pod, const json_t *state,
	struct failure *failure)
{
	const char *id = json_string_value(json_object_get(state, "id"));
	char short_id[JOB_NAME_MAX + 1];
	int error = 0;

	if (!id)
		return fail_as(failure, STATUS_USAGE, "the container's state has no id");
	snprintf(short_id, sizeof(short_id), "%s", id);
	if (pod->role == POD_SANDBOX)
		error = pod_complete_spec(pod, spec, state, failure);
	else if (!spec->name[0])
		error = spec_set_name(spec, short_id, failure);
	if (!error &&
		json_object_set_new(spec_labels(spec), LABEL_CONTAINER, json_string(id)))
		error = fail(failure, -ENOMEM, "labels");
	return error ? error : spec_finish(spec, failure);
}

/*
 * Finds the job that a container joins: that in whose cgroup it is, or that of its pod.
 * `name` is room for the first. Returns the name, or NULL if the container gets a job of
 * its own.
 */
static const char *find_job(
	const struct pod *pod, const char *cgroup, char name[JOB_NAME_MAX + 1])
{
	if (cgroup && !job_of_cgroup(cgroup, name))
		return name;
	return pod->role == POD_MEMBER ? pod->job : NULL;
}

/*
 * Reads the job that a container will join. Returns a descriptor of its network
 * namespace, or -errno if its fence does not stand.
 */
static int open_standing(struct job *job, const char *name, struct failure *failure)
{
	int error = job_read(job, name, failure);

	if (!error)
		error = job_check_fence(job, failure);
	return error ? error : job_open_netns(job, failure);
}

/* Whether a cgroup is the job's, or below it. */
static bool is_inside(const struct job *job, const char *cgroup)
{
	const size_t length = strlen(job->cgroup);

	return !strncmp(cgroup, job->cgroup, length) &&
	       (!cgroup[length] || cgroup[length] == '/');
}

/*
 * Checks a container in a job's cgroup. The job's fence has to stand, and the container
 * has to be in the job's network namespace. The path names the job, but another cgroup may
 * be the job's, as that of a job without a slice.
 */
static int join(const struct pod *pod, const char *name, pid_t pid, const char *cgroup,
	const char *id, struct failure *failure)
{
	_cleanup_(job_free) struct job job = {};
	struct stat own, theirs;
	char path[PATH_SIZE];
	_fd_ int netns = open_standing(&job, name, failure);

	if (netns < 0)
		return netns;
	if (name == pod->job && !pod_has_job(pod, &job))
		return fail_as(failure, STATUS_FAILED,
			"job %s is not that of the pod's sandbox %.64s", name,
			pod->sandbox);
	if (!is_inside(&job, cgroup))
		return fail_as(failure, STATUS_FAILED,
			"the container is in the cgroup %s, and job %s in %s; "
			"put it there, or make that slice the job's: jobfence up --slice",
			cgroup, name, job.cgroup);
	if (path_format(path, "/proc/%d/ns/net", (int)pid) || stat(path, &theirs) ||
		fstat(netns, &own))
		return fail(failure, -errno, "cannot compare network namespaces");
	if (own.st_ino != theirs.st_ino || own.st_dev != theirs.st_dev)
		return fail_as(failure, STATUS_FAILED,
			"the container is in the cgroup of job %s, but not in its network "
			"namespace",
			name);
	return container_trust_fill(&job, id, failure);
}

/* Makes the job of a container. */
static int make(struct job *job, const struct placement *where, const char *id,
	struct failure *failure)
{
	struct failure ignored;
	int error = job_up(job, where, failure);

	if (error)
		return error;
	error = container_trust_fill(job, id, failure);
	if (error)
		job_down(job->spec.name, NULL, &ignored);
	return error;
}

/* Gives a container in `cgroup` a job of its own. That of a pod's sandbox is the pod's. */
static int make_own(const struct pod *pod, const json_t *state, bool annotations,
	const char *file, char cgroup[PATH_SIZE], struct failure *failure)
{
	pid_t pid = (pid_t)json_integer_value(json_object_get(state, "pid"));
	char netns[PATH_SIZE];
	/*
	 * `crun run` is the subreaper of its hooks. It waits for every process that they
	 * leave behind before it ends the container. So the proxy has to end when the
	 * cgroup is empty.
	 */
	const struct placement where = {
		.cgroup = cgroup, .netns = netns, .container = pid, .until_empty = true
	};
	_cleanup_(job_free) struct job job = {};
	struct admission admission = { .spec = &job.spec };
	int error = read_annotations(&job.spec, state, annotations, failure);

	if (!error)
		error = finish_spec(&job.spec, pod, state, failure);
	if (!error && path_format(netns, "/proc/%d/ns/net", (int)pid))
		error = -ENAMETOOLONG;
	if (!error && pod->role == POD_SANDBOX)
		error = pod_place(cgroup, netns, failure);
	if (!error)
		error = job_admit(&job, &admission, file, failure);
	return error ? error
		     : make(&job, &where, json_string_value(json_object_get(state, "id")),
			       failure);
}

int oci_create(
	const json_t *state, bool annotations, const char *file, struct failure *failure)
{
	pid_t pid = (pid_t)json_integer_value(json_object_get(state, "pid"));
	const char *id = json_string_value(json_object_get(state, "id")), *name;
	char cgroup[PATH_SIZE], room[JOB_NAME_MAX + 1];
	struct pod pod;
	int error;

	if (pid <= 0 || !id)
		return fail_as(failure, STATUS_USAGE, "the container's state has no %s",
			id ? "pid" : "id");
	error = pod_read(&pod, state, annotations, failure);
	if (error)
		return error;
	error = oci_cgroup(pid, cgroup);
	if (error)
		return fail(failure, error,
			"the container has no cgroup of version 2 of its own");
	name = find_job(&pod, cgroup + strlen(cgroup_mount()), room);
	return name ? join(&pod, name, pid, cgroup, id, failure)
		    : make_own(&pod, state, annotations, file, cgroup, failure);
}

int oci_stop(const json_t *state, bool annotations, struct failure *failure)
{
	_cleanup_(job_free) struct job wanted = {}, job = {};
	const json_t *id;
	const char *container = json_string_value(json_object_get(state, "id"));
	struct failure ignored;
	struct pod pod = {};
	int error = 0;

	if (container)
		container_trust_remove(container);
	if (annotations)
		error = pod_read(&pod, state, true, failure);
	if (error || pod.role)
		return error ? error : pod_stop(&pod, failure);
	if (annotations)
		error = read_annotations(&wanted.spec, state, true, failure);
	if (!error)
		error = finish_spec(&wanted.spec, &pod, state, failure);
	if (error)
		return error;
	/*
	 * A container in another job's cgroup has no job of its own. Nor has one that
	 * never came up.
	 */
	if (job_read(&job, wanted.spec.name, &ignored))
		return 0;
	id = json_object_get(wanted.spec.labels, LABEL_CONTAINER);
	if (!json_equal(json_object_get(job.spec.labels, LABEL_CONTAINER), id))
		return 0;
	return job_down(wanted.spec.name, NULL, failure);
}

static int add_hook(json_t *hooks, const char *stage, const char *program, bool annotations)
{
	json_t *list = json_object_get(hooks, stage);
	_json_ json_t *hook = json_pack("{s:s, s:[s, s, s, s*], s:i}", "path", program,
		"args", "jobfence", "oci-hook", stage, annotations ? "--annotations" : NULL,
		"timeout", HOOK_TIMEOUT);
	const json_t *other;
	size_t i;

	if (!json_is_array(list)) {
		list = json_array();
		if (json_object_set_new(hooks, stage, list))
			return -ENOMEM;
	}
	json_array_foreach (list, i, other)
		if (json_equal(other, hook))
			return 0;
	return hook && !json_array_insert(list, 0, hook) ? 0 : -ENOMEM;
}

static int set_netns(json_t *linux_config, const char *path)
{
	json_t *list = json_object_get(linux_config, "namespaces"), *entry;
	size_t i;

	if (!list) {
		list = json_array();
		if (json_object_set_new(linux_config, "namespaces", list))
			return -ENOMEM;
	}
	json_array_foreach (list, i, entry) {
		const char *type = json_string_value(json_object_get(entry, "type"));

		if (type && !strcmp(type, "network"))
			return json_object_set_new(entry, "path", json_string(path))
				       ? -ENOMEM
				       : 0;
	}
	return json_array_append_new(
		       list, json_pack("{s:s, s:s}", "type", "network", "path", path))
		       ? -EINVAL
		       : 0;
}

static int enter_job(
	json_t *linux_config, const char *name, bool *fenced, struct failure *failure)
{
	_cleanup_(job_free) struct job job = {};
	_fd_ int netns = open_standing(&job, name, failure);

	if (netns < 0)
		return netns;
	if (job.netns[0] && set_netns(linux_config, job.netns))
		return fail_as(failure, STATUS_USAGE,
			"linux.namespaces in the bundle's config.json has to be a list of "
			"objects");
	*fenced = job.spec.network != NETWORK_FULL;
	return 0;
}

bool oci_opens_tls(const json_t *config, bool annotations)
{
	const char *cgroup = json_string_value(
		json_object_get(json_object_get(config, "linux"), "cgroupsPath"));
	_cleanup_(policy_free) struct policy policy = {};
	_cleanup_(job_free) struct job job = {};
	/* The hook asks the probe. */
	const struct admission admission = {
		.policy = &policy, .spec = &job.spec, .probed = true
	};
	char room[JOB_NAME_MAX + 1];
	struct failure ignored;
	const char *name;
	struct pod pod;
	int error = pod_read(&pod, config, annotations, &ignored);

	if (error)
		return false;
	name = find_job(&pod, cgroup, room);
	if (name)
		return !job_read(&job, name, &ignored) && job.spec.intercept.count;
	error = policy_load(&policy, NULL, &ignored);
	if (!error)
		error = read_annotations(&job.spec, config, annotations, &ignored);
	if (!error)
		error = admission_enforce(&admission, &ignored);
	return !error && job.spec.intercept.count;
}

/* Adds the hooks to the list of the bundle's own. */
static int add_own_hooks(
	json_t *config, const char *program, bool annotations, struct failure *failure)
{
	json_t *hooks = json_object_get(config, "hooks");

	if (!json_is_object(hooks)) {
		hooks = json_object();
		if (json_object_set_new(config, "hooks", hooks))
			return fail(failure, -ENOMEM, "hooks");
	}
	if (add_hook(hooks, "createRuntime", program, annotations) ||
		add_hook(hooks, "poststop", program, annotations))
		return fail(failure, -ENOMEM, "hooks");
	return 0;
}

int oci_add_hooks(json_t *config, const char *bundle, const char *program, bool annotations,
	struct failure *failure)
{
	json_t *linux_config = json_object_get(config, "linux");
	const char *cgroup =
		json_string_value(json_object_get(linux_config, "cgroupsPath"));
	char room[JOB_NAME_MAX + 1];
	const char *name;
	bool fenced = true;
	struct pod pod;
	int error;

	if (!json_is_object(linux_config))
		return fail_as(failure, STATUS_USAGE,
			"the bundle is not one for Linux: its config.json has no \"linux\"");
	error = pod_read(&pod, config, annotations, failure);
	if (!error)
		error = add_own_hooks(config, program, annotations, failure);
	if (!error)
		error = pod_end_earlier(&pod, failure);
	if (error)
		return error;
	name = find_job(&pod, cgroup, room);
	if (name)
		error = enter_job(linux_config, name, &fenced, failure);
	if (error || !fenced)
		return error;
	error = oci_add_resolv_conf(config, bundle, failure);
	return error ? error : oci_seccomp_narrow(linux_config, failure);
}
