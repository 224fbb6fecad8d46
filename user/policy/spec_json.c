// SPDX-License-Identifier: BSD-2-Clause
/* A spec as JSON, in and out. Each string passes the same check as an option. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/printable.h"
#include "lib/rate.h"
#include "names/address.h"
#include "policy/spec.h"

typedef int setter(struct job_spec *, const char *, struct failure *);

/* A key and the function that reads it, from a string or an array of strings. */
struct field {
	const char *key;
	setter *set;
	bool array;
};

static const struct field spec_fields[] = {
	{ "job", spec_set_name, false },
	{ "rate", spec_set_rate, false },
	{ "pacing", spec_set_pacing, false },
	{ "header", spec_set_header, false },
	{ "allow_addresses", spec_add_allowed, true },
	{ "guard_domains", spec_add_guarded, true },
	{ "deny_domains", spec_add_denied, true },
	{ "allow_ech", spec_add_ech, true },
	{ "intercept", spec_add_intercept, true },
	{ "rules", spec_add_rule, true },
	{ "presets", spec_add_preset, true },
};
/* Executors in the field write job specs with the second spelling. */
static const struct field network_fields[] = {
	{ "type", spec_set_network, false },
	{ "domains", spec_add_domain, true },
	{ "Type", spec_set_network, false },
	{ "Domains", spec_add_domain, true },
};

/* The string, or NULL if it has a NUL inside, which C can't hold. */
static const char *plain_string(const json_t *value)
{
	const char *text = json_string_value(value);

	return text && strlen(text) == json_string_length(value) ? text : NULL;
}

static int read_string(struct job_spec *spec, const struct field *field,
	const json_t *value, struct failure *failure)
{
	const char *text = plain_string(value);
	int error = text ? field->set(spec, text, failure)
			 : fail_as(failure, STATUS_USAGE, "in the spec, '%s' has to be %s",
				   field->key,
				   field->array ? "an array of strings" : "a string");

	if (error)
		failure_about(failure, field->key, text);
	return error;
}

static int read_field(struct job_spec *spec, const struct field *field, const json_t *value,
	struct failure *failure)
{
	const json_t *element;
	size_t i;
	int error = 0;

	if (!field->array || !json_is_array(value))
		return read_string(spec, field, field->array ? NULL : value, failure);
	json_array_foreach (value, i, element) {
		error = read_string(spec, field, element, failure);
		if (error)
			break;
	}
	return error;
}

static const struct field *field_find(
	const struct field *fields, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(fields[i].key, key))
			return &fields[i];
	return NULL;
}

static int unknown_key(const char *key, const char *known, struct failure *failure)
{
	int error;

	if (!strcmp(key, "domains") || !strcmp(key, "type"))
		error = fail_as(failure, STATUS_USAGE,
			"in the spec, '%s' belongs into 'network'", key);
	else
		error = fail_as(failure, STATUS_USAGE, "in the spec, '%.*s' is none of: %s",
			PRINTABLE_SIZE - 1, key, known);
	failure_about(failure, key, NULL);
	return error;
}

static int read_network(struct job_spec *spec, json_t *network, struct failure *failure)
{
	const char *key;
	json_t *value;

	if (!json_is_object(network))
		return fail_as(failure, STATUS_USAGE,
			"in the spec, 'network' has to be an object");
	if ((json_object_get(network, "type") && json_object_get(network, "Type")) ||
		(json_object_get(network, "domains") &&
			json_object_get(network, "Domains")))
		return fail_as(failure, STATUS_USAGE,
			"in the spec's 'network' the same key is given in two spellings");
	json_object_foreach (network, key, value) {
		const struct field *field =
			field_find(network_fields, ARRAY_SIZE(network_fields), key);
		int error;

		if (!field)
			return unknown_key(key, "type, domains", failure);
		error = read_field(spec, field, value, failure);
		if (error)
			return error;
	}
	return 0;
}

static int read_labels(struct job_spec *spec, json_t *labels, struct failure *failure)
{
	const char *key;
	json_t *value;

	if (!json_is_object(labels))
		return fail_as(
			failure, STATUS_USAGE, "in the spec, 'labels' has to be an object");
	json_object_foreach (labels, key, value) {
		const char *text = plain_string(value);
		_free_ char *pair = NULL;
		int error;

		if (!text || strchr(key, '='))
			return fail_as(failure, STATUS_USAGE,
				"in the spec, a label has to be a string, and its key without '='");
		if (asprintf(&pair, "%s=%s", key, text) < 0)
			return fail(failure, -ENOMEM, "labels");
		error = spec_add_label(spec, pair, failure);
		if (error) {
			failure_about(failure, "labels", pair);
			return error;
		}
	}
	return 0;
}

static int read_flag(const char *key, const json_t *value, struct failure *failure)
{
	return json_is_boolean(value)
		       ? 0
		       : fail_as(failure, STATUS_USAGE,
				 "in the spec, '%s' has to be true or false", key);
}

static int read_learn(struct job_spec *spec, const json_t *value, struct failure *failure)
{
	spec->learn = json_is_true(value);
	return read_flag("learn", value, failure);
}

/* An option before the spec wins as well, since it can only be true. */
static int read_slice(struct job_spec *spec, const json_t *value, struct failure *failure)
{
	spec->slice |= json_is_true(value);
	return read_flag("slice", value, failure);
}

/*
 * The author of a spec may be a stranger, who must not choose a file that root writes to.
 * An option before the spec wins as one after it does.
 */
static int read_log(struct job_spec *spec, const json_t *value, struct failure *failure)
{
	if (spec->log == LOG_UNSET)
		spec->log = json_is_true(value) ? LOG_JOB : LOG_NONE;
	return read_flag("log", value, failure);
}

/* An option before the spec wins here, too. */
static int read_owner(struct job_spec *spec, const json_t *value, struct failure *failure)
{
	pid_t chosen = spec->owner;
	char text[32] = "";
	int error;

	if (json_is_integer(value))
		snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT,
			json_integer_value(value));
	error = spec_set_owner(spec, text, failure);
	if (chosen)
		spec->owner = chosen;
	return error;
}

int spec_from_json(
	struct job_spec *spec, const json_t *json, bool strict, struct failure *failure)
{
	const char *key;
	json_t *value;
	int error = 0;

	if (!json_is_object(json))
		return fail_as(failure, STATUS_USAGE, "a spec has to be a JSON object");
	json_object_foreach ((json_t *)json, key, value) {
		const struct field *field =
			field_find(spec_fields, ARRAY_SIZE(spec_fields), key);

		if (field)
			error = read_field(spec, field, value, failure);
		else if (!strcmp(key, "network"))
			error = read_network(spec, value, failure);
		else if (!strcmp(key, "labels"))
			error = read_labels(spec, value, failure);
		else if (!strcmp(key, "learn"))
			error = read_learn(spec, value, failure);
		else if (!strcmp(key, "slice"))
			error = read_slice(spec, value, failure);
		else if (!strcmp(key, "owner_pid"))
			error = read_owner(spec, value, failure);
		else if (!strcmp(key, "log"))
			error = read_log(spec, value, failure);
		else if (strict)
			error = unknown_key(key,
				"job, network, rate, pacing, header, labels, allow_addresses, "
				"guard_domains, deny_domains, allow_ech, intercept, rules, "
				"presets, learn, log, owner_pid, slice",
				failure);
		if (error) {
			failure_about(failure, key, NULL);
			return error;
		}
	}
	return 0;
}

/* Whether the spec is only the network block of a job spec in the field. */
static bool is_network_block(const json_t *json)
{
	return json_object_get(json, "Type") || json_object_get(json, "Domains");
}

int spec_parse(struct job_spec *spec, const char *text, size_t length, const char *from,
	struct failure *failure)
{
	json_error_t problem;
	_json_ json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &problem);

	if (!json) {
		char shown[PRINTABLE_SIZE]; /* it quotes the text */

		return fail_as(failure, STATUS_USAGE, "spec %s: line %d: %s", from,
			problem.line, printable(problem.text, shown));
	}
	return is_network_block(json) ? read_network(spec, json, failure)
				      : spec_from_json(spec, json, true, failure);
}

json_t *domains_to_json(const struct domains *domains)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < domains->count; i++) {
		char text[DOMAIN_TEXT_SIZE];

		declared_domain_format(&domains->list[i], text);
		if (json_array_append_new(array, json_string(text))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

json_t *rules_to_json(const struct request_rules *rules)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < rules->count; i++)
		if (json_array_append_new(array, json_string(rules->list[i].text))) {
			json_decref(array);
			return NULL;
		}
	return array;
}

json_t *ranges_to_json(const struct address_range *ranges, uint32_t count)
{
	json_t *array = json_array();

	for (uint32_t i = 0; array && i < count; i++) {
		char text[RANGE_TEXT_MAX];

		range_format(&ranges[i], text);
		if (json_array_append_new(array, json_string(text))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

/* Whether there is a log. NULL: that is not given. */
static json_t *log_to_json(const struct job_spec *spec)
{
	return spec->log == LOG_UNSET ? NULL : json_boolean(spec->log != LOG_NONE);
}

json_t *spec_to_json(const struct job_spec *spec)
{
	json_t *rules = spec->rules.count ? rules_to_json(&spec->rules) : NULL;
	char rate[RATE_TEXT_MAX];

	/* Without its rules a job would have more than it was given. */
	if (spec->rules.count && !rules)
		return NULL;
	rate_format(spec->rate, rate);
	return json_pack(
		"{s:s, s:{s:s, s:o}, s:s, s:s, s:s, s:o, s:o, s:o, s:o*, s:o*, s:o*, s:b, s:b, s:o*, s:o}",
		"job", spec->name, "network", "type", network_name(spec->network),
		"domains", domains_to_json(&spec->domains), "rate", rate, "pacing",
		pacing_name(spec->pacing), "header", spec->header, "allow_addresses",
		ranges_to_json(spec->allowed, spec->allowed_count), "guard_domains",
		domains_to_json(&spec->guarded), "deny_domains",
		domains_to_json(&spec->denied), "allow_ech",
		spec->ech.count ? domains_to_json(&spec->ech) : NULL, "intercept",
		spec->intercept.count ? domains_to_json(&spec->intercept) : NULL, "rules",
		rules, "learn", spec->learn, "slice", spec->slice, "log", log_to_json(spec),
		"labels", spec->labels ? json_incref(spec->labels) : json_object());
}
