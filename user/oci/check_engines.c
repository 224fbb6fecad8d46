// SPDX-License-Identifier: BSD-2-Clause
/*
 * See check_engines.h. TOML files are read line by line, as far as is needed. docs has a
 * page for each engine, which says the same.
 */

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/files.h"
#include "lib/installed.h"
#include "lib/json.h"
#include "node/paths.h"
#include "oci/check_engines.h"

#define DAEMON_JSON	"/etc/docker/daemon.json"
#define CONTAINERS_CONF "/etc/containers/containers.conf"
#define CONTAINERD_TOML "/etc/containerd/config.toml"
#define CONFIG_SIZE_MAX (1UL << 20)
#define CGROUP_DRIVER	"native.cgroupdriver="

/* Finds a program where engines are installed. */
static bool is_installed(const char *program)
{
	static const char *const folders[] = { "/usr/bin", "/usr/sbin", "/usr/local/bin",
		"/usr/local/sbin", "/usr/libexec/podman" };
	char path[PATH_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (!path_format(path, "%s/%s", folders[i], program) && !access(path, X_OK))
			return true;
	return false;
}

/* Whether a line that is no comment has both words. */
static bool has_line(const char *path, const char *key, const char *value)
{
	_free_ char *text = file_text(path, CONFIG_SIZE_MAX);
	char *rest = NULL;

	for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line;
		line = strtok_r(NULL, "\n", &rest)) {
		line += strspn(line, " \t");
		if (*line != '#' && strstr(line, key) && strstr(line, value))
			return true;
	}
	return false;
}

static const char *driver_of(const json_t *daemon)
{
	const json_t *option;
	size_t i;

	json_array_foreach (json_object_get(daemon, "exec-opts"), i, option) {
		const char *text = json_string_value(option);

		if (text && !strncmp(text, CGROUP_DRIVER, strlen(CGROUP_DRIVER)))
			return text + strlen(CGROUP_DRIVER);
	}
	/* Docker's own default on a node with cgroup v2. */
	return file_exists("/run/systemd/system") ? "systemd" : "cgroupfs";
}

/* How an engine with that driver is told a job's cgroup. */
static const char *parent_of(const char *driver)
{
	return strcmp(driver, "systemd") ? "/jobfence/JOB/work"
					 : "the slice of `jobfence up --slice`";
}

static void check_docker_runtime(struct findings *findings, const json_t *daemon)
{
	const json_t *runtimes = json_object_get(daemon, "runtimes"), *runtime;
	const char *name;

	json_object_foreach ((json_t *)runtimes, name, runtime) {
		const char *path = json_string_value(json_object_get(runtime, "path"));

		if (!path || !strstr(path, "jobfence-runtime"))
			continue;
		if (access(path, X_OK))
			findings_add(findings, FINDING_NOTE, "docker-runtime",
				"no container of this runtime starts", "make install",
				"Docker's runtime %s is %s, which is missing", name, path);
		else
			findings_add(findings, FINDING_OK, "docker-runtime", NULL, NULL,
				"Docker has the runtime %s (%s)", name, path);
		return;
	}
	findings_add(findings, FINDING_NOTE, "docker-runtime",
		"`docker run --runtime jobfence` fences from the first instruction",
		"add to " DAEMON_JSON
		": \"runtimes\": {\"jobfence\": {\"path\": \"/usr/local/bin/jobfence-runtime\"}}",
		"Docker does not know jobfence-runtime");
}

static void check_docker(struct findings *findings)
{
	_json_ json_t *daemon = NULL;
	json_error_t problem = {};

	if (!is_installed("dockerd") && !file_exists(DAEMON_JSON))
		return;
	daemon = file_exists(DAEMON_JSON) ? json_load_file(DAEMON_JSON, 0, &problem)
					  : json_object();
	if (!daemon) {
		findings_add(findings, FINDING_NOTE, "docker",
			"Docker does not start with it", "mend " DAEMON_JSON,
			DAEMON_JSON ":%d: %s", problem.line, problem.text);
		return;
	}
	findings_add(findings, FINDING_OK, "docker", NULL, NULL,
		"Docker uses the cgroup driver %s, and its --cgroup-parent is %s",
		driver_of(daemon), parent_of(driver_of(daemon)));
	check_docker_runtime(findings, daemon);
}

static void check_podman(struct findings *findings)
{
	const char *manager;

	if (!is_installed("podman"))
		return;
	manager = has_line(CONTAINERS_CONF, "cgroup_manager", "\"cgroupfs\"") ? "cgroupfs"
									      : "systemd";
	findings_add(findings, FINDING_OK, "podman", NULL, NULL,
		"Podman uses the cgroup manager %s, and its --cgroup-parent is %s", manager,
		parent_of(manager));
	if (has_line(CONTAINERS_CONF, "hooks_dir", "jobfence") ||
		file_exists("/etc/containers/oci/hooks.d/jobfence-createRuntime.json") ||
		file_exists(
			"/usr/share/containers/oci/hooks.d/jobfence-createRuntime.json"))
		findings_add(findings, FINDING_OK, "podman-hooks", NULL, NULL,
			"Podman has jobfence's hooks");
	else
		findings_add(findings, FINDING_NOTE, "podman-hooks",
			"only containers that are put into a job are fenced",
			"add to [engine] of " CONTAINERS_CONF
			": hooks_dir = [\"/usr/local/share/jobfence/oci-hooks.d\"]",
			"Podman does not have jobfence's hooks");
}

static void check_containerd(struct findings *findings)
{
	if (!is_installed("containerd"))
		return;
	if (has_line(CONTAINERD_TOML, "BinaryName", "jobfence-runtime"))
		findings_add(findings, FINDING_OK, "containerd", NULL, NULL,
			"containerd has a runtime with jobfence-runtime");
	else
		findings_add(findings, FINDING_NOTE, "containerd",
			"pods and clients other than ctr can't choose it",
			"add to " CONTAINERD_TOML
			" a runtime of type io.containerd.runc.v2 with BinaryName = \"/usr/local/bin/jobfence-runtime\"",
			"containerd does not know jobfence-runtime");
}

void check_engines(struct findings *findings)
{
	check_docker(findings);
	check_podman(findings);
	check_containerd(findings);
}
