// SPDX-License-Identifier: BSD-2-Clause
/*
 * A job as JSON, for people's tools and as spec.json. That file is the spec together
 * with the state of the job.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "job/job.h"
#include "job/owner.h"
#include "job/trust.h"
#include "job/variables.h"
#include "jobfence/time.h"
#include "lib/cleanup.h"
#include "lib/files.h"
#include "lib/json.h"
#include "lib/moment.h"
#include "names/address.h"
#include "node/slice.h"
#include "policy/share.h"

#define ENDPOINT_TEXT_MAX (ADDRESS_TEXT_MAX + 8)

/* The path of the job's namespace. null: it is the node's own. */
static json_t *netns_to_json(const struct job *job)
{
	return job->netns[0] ? json_string(job->netns) : json_null();
}

/* The process that owns the job, and whether it runs. null: that can't be seen. */
static json_t *owner_to_json(const struct job *job)
{
	enum ownership ownership = job_ownership(job);

	if (ownership == OWNER_NONE)
		return json_null();
	return json_pack("{s:i, s:o}", "pid", (int)job->owner, "alive",
		ownership == OWNER_UNKNOWN ? json_null()
					   : json_boolean(ownership == OWNER_ALIVE));
}

json_t *job_to_json(const struct job *job)
{
	char started[MOMENT_TEXT_MAX], unit[PATH_SIZE];
	const char *slice =
		job->spec.slice && !slice_unit(job->spec.name, unit) ? unit : NULL;
	json_t *proxy = job->proxy_pid ? json_pack("{s:i, s:s}", "pid", (int)job->proxy_pid,
						 "address", PROXY_ADDRESS4 ":80")
				       : json_null();

	moment_format_real((uint64_t)job->started * SECOND, started);
	return json_pack(
		"{s:s, s:s, s:I, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:{s:I, s:s}, s:s, s:s?, s:o, s:o, s:s, s:o, s:o, s:s+, s:o, s:s?}",
		"job", job->spec.name, "programs", job->programs, "started",
		(json_int_t)job->started, "started_at", started, "owner",
		owner_to_json(job), "network", network_name(job->spec.network), "domains",
		domains_to_json(&job->spec.domains), "guard_domains",
		domains_to_json(&job->spec.guarded), "allow_ech",
		domains_to_json(&job->spec.ech), "intercept",
		domains_to_json(&job->spec.intercept), "rules",
		rules_to_json(&job->spec.rules), "node_rules",
		rules_to_json(&job->spec.node_rules), "secrets",
		secrets_to_json(&job->spec.secrets, false), "learn", job->spec.learn,
		"labels", job->spec.labels ? json_incref(job->spec.labels) : json_object(),
		"rate", "bits_per_second", (json_int_t)job->spec.rate, "pacing",
		pacing_name(job->pacing), "cgroup", job->cgroup, "slice", slice, "netns",
		netns_to_json(job), "proxy", proxy, "header", job->spec.header, "env",
		job->proxy_pid ? variables_to_json(proxy_variables()) : json_object(),
		"trust", trust_to_json(job), "resolv_conf", job->paths.run, "/resolv.conf",
		"shares", job->shares ? json_incref(job->shares) : json_array(), "log",
		job->log[0] ? job->log : NULL);
}

json_t *job_name_to_json(const char *name)
{
	const struct job nobody = {};
	_json_ json_t *json = job_to_json(&nobody);
	const char *key;
	json_t *value;

	json_object_foreach (json, key, value)
		json_object_set_new(json, key, json_null());
	return json_object_set_new(json, "job", json_string(name)) ? NULL
								   : TAKE_POINTER(json);
}

/*
 * The fields of the state, which only the file has. The same table is used for writing
 * and reading.
 */
static const struct record_field {
	const char *name;
	enum { RECORD_BOOL, RECORD_NUMBER, RECORD_TEXT } kind;
	size_t offset, size;
} fields[] = {
#define FIELD(kind, name) \
	{ \
#name, RECORD_##kind, offsetof(struct job, name), \
			sizeof(((struct job *)0)->name) \
	}
	FIELD(NUMBER, abi),
	FIELD(TEXT, programs),
	FIELD(NUMBER, started),
	FIELD(NUMBER, owner),
	FIELD(NUMBER, owner_start),
	FIELD(NUMBER, owner_namespace),
	FIELD(NUMBER, up_milliseconds),
	FIELD(BOOL, by_operator),
	FIELD(NUMBER, max_connections),
	FIELD(TEXT, nat64),
	FIELD(TEXT, refusal_text),
	FIELD(TEXT, upstream_ca),
	FIELD(TEXT, log),
	FIELD(NUMBER, log_max),
	FIELD(BOOL, log_paths),
	FIELD(TEXT, cgroup),
	FIELD(BOOL, own_cgroup),
	FIELD(TEXT, netns),
	FIELD(NUMBER, netns_cookie),
	FIELD(BOOL, own_netns),
	FIELD(BOOL, host_netns),
	FIELD(BOOL, until_empty),
	FIELD(BOOL, closed),
	FIELD(NUMBER, id),
	FIELD(NUMBER, proxy_id),
	FIELD(NUMBER, proxy_pid),
	FIELD(NUMBER, proxy_namespace),
#undef FIELD
};

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

static int record_path(char path[PATH_SIZE], const struct job *job, const char *suffix)
{
	return path_format(path, "%s/spec.json%s", job->paths.run, suffix);
}

static json_t *field_to_json(const struct job *job, const struct record_field *field)
{
	const char *at = (const char *)job + field->offset;

	if (field->kind == RECORD_TEXT)
		return json_string(at);
	if (field->kind == RECORD_BOOL)
		return json_boolean(*(const bool *)at);
	return json_integer(field->size == sizeof(int32_t) ? *(const int32_t *)at
							   : *(const int64_t *)at);
}

static int field_from_json(
	struct job *job, const struct record_field *field, const json_t *value)
{
	char *at = (char *)job + field->offset;

	if (field->kind == RECORD_TEXT) {
		if (!json_is_string(value) || json_string_length(value) >= field->size)
			return -EPROTO;
		memcpy(at, json_string_value(value), json_string_length(value) + 1);
	} else if (field->kind == RECORD_BOOL) {
		if (!json_is_boolean(value))
			return -EPROTO;
		*(bool *)at = json_is_true(value);
	} else {
		if (!json_is_integer(value))
			return -EPROTO;
		if (field->size == sizeof(int32_t))
			*(int32_t *)at = (int32_t)json_integer_value(value);
		else
			*(int64_t *)at = json_integer_value(value);
	}
	return 0;
}

static json_t *record_to_json(const struct job *job)
{
	_json_ json_t *record = spec_to_json(&job->spec);
	_json_ json_t *state = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "pacing",
		pacing_name(job->pacing), "proxy4", endpoint_to_json(&job->proxy4),
		"proxy6", endpoint_to_json(&job->proxy6), "dns4",
		endpoint_to_json(&job->dns4), "dns6", endpoint_to_json(&job->dns6),
		"node_rules", rules_to_json(&job->spec.node_rules));

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (json_object_set_new(
			    state, fields[i].name, field_to_json(job, &fields[i])))
			return NULL;
	if (job->shares && json_object_set(state, "shares", job->shares))
		return NULL;
	if (job->spec.secrets.count && json_object_set_new(state, "secrets",
					       secrets_to_json(&job->spec.secrets, true)))
		return NULL;
	if (json_object_set(record, "state", state))
		return NULL;
	return TAKE_POINTER(record);
}

int job_record_write(const struct job *job, struct failure *failure)
{
	_json_ json_t *record = record_to_json(job);
	_free_ char *text = record ? json_dumps(record, JSON_INDENT(2)) : NULL;
	char path[PATH_SIZE], fresh[PATH_SIZE] = "";
	int error = text ? record_path(path, job, "") : -ENOMEM;

	if (!error)
		error = record_path(fresh, job, ".new");
	if (!error)
		error = file_write(fresh, text);
	if (!error && rename(fresh, path))
		error = -errno;
	return error ? fail(failure, error, "cannot write %s/spec.json", job->paths.run)
		     : 0;
}

static int labels_path(char path[PATH_SIZE], const struct job *job)
{
	return path_format(path, "%s/labels.json", job->paths.run);
}

int job_labels_write(const struct job *job)
{
	_free_ char *text = NULL;
	char path[PATH_SIZE];

	if (!json_object_size(job->spec.labels))
		return 0;
	if (labels_path(path, job))
		return -ENAMETOOLONG;
	text = json_dumps(job->spec.labels, JSON_COMPACT);
	return text ? file_write(path, text) : -ENOMEM;
}

int job_labels_read(struct job *job, struct failure *failure)
{
	_json_ json_t *record = NULL, *labels = NULL;
	char path[PATH_SIZE];

	if (labels_path(path, job))
		return -ENAMETOOLONG;
	labels = json_load_file(path, 0, NULL);
	record = labels ? json_pack("{s:O}", "labels", labels) : NULL;
	return record ? spec_from_json(&job->spec, record, true, failure) : -ENOENT;
}

static int shares_from_json(struct job *job, const json_t *shares)
{
	struct failure ignored;
	const json_t *path;
	size_t i;

	json_array_foreach ((json_t *)shares, i, path)
		if (!json_is_string(path) ||
			share_add(&job->shares, json_string_value(path), &ignored))
			return -EPROTO;
	return 0;
}

static int node_rules_from_json(struct job *job, const json_t *rules)
{
	struct failure ignored;
	const json_t *rule;
	size_t i;

	json_array_foreach ((json_t *)rules, i, rule)
		if (!json_is_string(rule) ||
			spec_add_node_rule(&job->spec, json_string_value(rule), &ignored))
			return -EPROTO;
	return 0;
}

static int state_from_json(struct job *job, const json_t *state)
{
	const char *pacing = json_string_value(json_object_get(state, "pacing"));

	/* A field that another version did not write stays zero. */
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const json_t *value = json_object_get(state, fields[i].name);
		int error = value ? field_from_json(job, &fields[i], value) : 0;

		if (error)
			return error;
	}
	if (!pacing)
		return -EPROTO;
	for (job->pacing = PACING_AUTO; strcmp(pacing, pacing_name(job->pacing));
		job->pacing++)
		if (job->pacing == PACING_NONE)
			return -EPROTO;
	endpoint_from_json(json_object_get(state, "proxy4"), &job->proxy4);
	endpoint_from_json(json_object_get(state, "proxy6"), &job->proxy6);
	endpoint_from_json(json_object_get(state, "dns4"), &job->dns4);
	endpoint_from_json(json_object_get(state, "dns6"), &job->dns6);
	return node_rules_from_json(job, json_object_get(state, "node_rules")) ||
			       secrets_from_json(&job->spec.secrets,
				       json_object_get(state, "secrets"))
		       ? -EPROTO
		       : shares_from_json(job, json_object_get(state, "shares"));
}

int job_record_read(struct job *job, struct failure *failure)
{
	_json_ json_t *record = NULL;
	char path[PATH_SIZE];
	int error = record_path(path, job, "");

	if (error)
		return fail(failure, error, "record of job %s", job->spec.name);
	record = json_load_file(path, 0, NULL);
	if (!record && access(path, F_OK))
		return fail_as(failure, STATUS_NO_JOB,
			job_is_anywhere(&job->paths)
				? "job %s is half made, by a command that was interrupted or is at "
				  "work; to remove it: jobfence gc"
				: "there is no job %s; see: jobfence list",
			job->spec.name);
	if (!record)
		return fail(failure, -EPROTO, "cannot read %s", path);
	error = spec_from_json(&job->spec, record, false, failure);
	if (error)
		return error;
	/* The spec was settled when the job began, and nothing judges it again. */
	error = job->spec.network_given && job->spec.header_given
			? state_from_json(job, json_object_get(record, "state"))
			: -EPROTO;
	return error ? fail(failure, error, "%s is not of this version of jobfence", path)
		     : 0;
}
