// SPDX-License-Identifier: BSD-2-Clause
/* A job as JSON: for people's tools, and as spec.json, which is a spec with what became of it. */

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/job.h"
#include "lib/cleanup.h"
#include "names/address.h"

#define PROXY_URL	  "http://" PROXY_ADDRESS4 ":80"
#define ENDPOINT_TEXT_MAX (ADDRESS_TEXT_MAX + 8)

const struct variable *job_proxy_variables(void)
{
	static const struct variable variables[] = {
		{ "http_proxy", PROXY_URL },
		{ "https_proxy", PROXY_URL },
		{ "HTTP_PROXY", PROXY_URL },
		{ "HTTPS_PROXY", PROXY_URL },
		{ "no_proxy", "localhost,127.0.0.1,::1" },
		{ NULL, NULL },
	};
	return variables;
}

static json_t *variables_to_json(const struct job *job)
{
	json_t *object = json_object();

	if (job->proxy_pid)
		for (const struct variable *v = job_proxy_variables(); v->name; v++)
			json_object_set_new(object, v->name, json_string(v->value));
	return object;
}

/* The path of the job's namespace; null where that is the node's own. */
static json_t *netns_to_json(const struct job *job)
{
	return job->netns[0] ? json_string(job->netns) : json_null();
}

json_t *job_to_json(const struct job *job)
{
	json_t *proxy = job->proxy_pid ? json_pack("{s:i, s:s}", "pid", (int)job->proxy_pid,
						 "address", PROXY_ADDRESS4 ":80")
				       : json_null();

	return json_pack(
		"{s:s, s:s, s:I, s:s, s:o, s:O, s:{s:I, s:s}, s:s, s:o, s:o, s:s, s:o, s:s+}",
		"job", job->spec.name, "programs", job->programs, "started",
		(json_int_t)job->started, "network", network_name(job->spec.network),
		"domains", spec_domains_to_json(&job->spec), "labels", job->spec.labels,
		"rate", "bits_per_second", (json_int_t)job->spec.rate, "pacing",
		pacing_name(job->pacing), "cgroup", job->cgroup, "netns",
		netns_to_json(job), "proxy", proxy, "header", job->spec.header, "env",
		variables_to_json(job), "resolv_conf", job->paths.run, "/resolv.conf");
}

static json_t *endpoint_to_json(const struct endpoint *endpoint)
{
	char address[ADDRESS_TEXT_MAX], text[ENDPOINT_TEXT_MAX];

	if (!endpoint->port)
		return json_null();
	address_format(&endpoint->address, address);
	snprintf(text, sizeof(text), "%s %u", address, ntohs(endpoint->port));
	return json_string(text);
}

static void endpoint_from_json(const json_t *value, struct endpoint *endpoint)
{
	const char *text = json_string_value(value);
	const char *blank = text ? strchr(text, ' ') : NULL;

	if (blank && !address_parse(text, (size_t)(blank - text), &endpoint->address))
		endpoint->port = htons((uint16_t)strtoul(blank + 1, NULL, 10));
}

static int state_path(char path[PATH_SIZE], const struct job *job, const char *suffix)
{
	return path_format(path, "%s/spec.json%s", job->paths.run, suffix);
}

int job_record_write(const struct job *job)
{
	_json_ json_t *record = spec_to_json(&job->spec);
	char path[PATH_SIZE], fresh[PATH_SIZE];
	json_t *state;

	state = json_pack(
		"{s:i, s:s, s:I, s:s, s:b, s:s, s:b, s:b, s:b, s:I, s:I, s:s, s:i, s:o, s:o, s:o, s:o}",
		"abi", job->abi, "programs", job->programs, "started",
		(json_int_t)job->started, "cgroup", job->cgroup, "own_cgroup",
		job->own_cgroup, "netns", job->netns, "own_netns", job->own_netns,
		"host_netns", job->host_netns, "until_empty", job->until_empty, "id",
		(json_int_t)job->id, "proxy_id", (json_int_t)job->proxy_id, "pacing",
		pacing_name(job->pacing), "proxy_pid", (int)job->proxy_pid, "proxy4",
		endpoint_to_json(&job->proxy4), "proxy6", endpoint_to_json(&job->proxy6),
		"dns4", endpoint_to_json(&job->dns4), "dns6", endpoint_to_json(&job->dns6));
	if (!record || json_object_set_new(record, "state", state))
		return -ENOMEM;
	if (state_path(path, job, "") || state_path(fresh, job, ".new"))
		return -ENAMETOOLONG;
	if (json_dump_file(record, fresh, JSON_INDENT(2)))
		return -EIO;
	return rename(fresh, path) ? -errno : 0;
}

static int state_from_json(struct job *job, json_t *state)
{
	const char *programs, *cgroup, *netns, *pacing;
	int abi, own_cgroup, own_netns, host_netns, until_empty, pid;
	json_int_t id, proxy_id, started;

	if (json_unpack(state,
		    "{s:i, s:s, s:I, s:s, s:b, s:s, s:b, s:b, s:b, s:I, s:I, s:s, s:i}",
		    "abi", &abi, "programs", &programs, "started", &started, "cgroup",
		    &cgroup, "own_cgroup", &own_cgroup, "netns", &netns, "own_netns",
		    &own_netns, "host_netns", &host_netns, "until_empty", &until_empty,
		    "id", &id, "proxy_id", &proxy_id, "pacing", &pacing, "proxy_pid", &pid))
		return -EPROTO;
	if (path_format(job->cgroup, "%s", cgroup) || path_format(job->netns, "%s", netns))
		return -ENAMETOOLONG;
	snprintf(job->programs, sizeof(job->programs), "%s", programs);
	job->abi = abi;
	job->own_cgroup = own_cgroup;
	job->own_netns = own_netns;
	job->host_netns = host_netns;
	job->until_empty = until_empty;
	job->started = started;
	job->id = (uint64_t)id;
	job->proxy_id = (uint64_t)proxy_id;
	job->proxy_pid = pid;
	for (job->pacing = PACING_AUTO; strcmp(pacing, pacing_name(job->pacing));
		job->pacing++)
		if (job->pacing == PACING_NONE)
			return -EPROTO;
	endpoint_from_json(json_object_get(state, "proxy4"), &job->proxy4);
	endpoint_from_json(json_object_get(state, "proxy6"), &job->proxy6);
	endpoint_from_json(json_object_get(state, "dns4"), &job->dns4);
	endpoint_from_json(json_object_get(state, "dns6"), &job->dns6);
	return 0;
}

int job_record_read(struct job *job, struct failure *failure)
{
	_json_ json_t *record = NULL;
	char path[PATH_SIZE];
	int error = state_path(path, job, "");

	if (error)
		return fail(failure, error, "record of job %s", job->spec.name);
	record = json_load_file(path, 0, NULL);
	if (!record && access(path, F_OK))
		return fail_as(
			failure, STATUS_NO_JOB, "there is no job %s", job->spec.name);
	if (!record)
		return fail(failure, -EPROTO, "cannot read %s", path);
	error = spec_from_json(&job->spec, record, false, failure);
	if (error)
		return error;
	error = state_from_json(job, json_object_get(record, "state"));
	if (error)
		return fail(failure, error, "%s is not of this version of jobfence", path);
	return spec_finish(&job->spec, failure);
}
