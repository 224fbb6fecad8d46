// SPDX-License-Identifier: BSD-2-Clause
/* The fields of a spec and their allowed values. */

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/printable.h"
#include "lib/rate.h"
#include "names/address.h"
#include "policy/header.h"
#include "policy/preset.h"
#include "policy/spec.h"

#define LETTERS	     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define ALPHANUMERIC LETTERS "0123456789"
#define LABEL_MAX    255 /* bytes of a key or a value */
#define LABELS_MAX   64

static const char *const network_names[] = {
	[NETWORK_NONE] = "none", [NETWORK_HTTP] = "http", [NETWORK_FULL] = "full"
};
static const char *const pacing_names[] = { [PACING_AUTO] = "auto",
	[PACING_EDT] = "edt",
	[PACING_PROXY] = "proxy",
	[PACING_NONE] = "none" };

const char *network_name(enum network network)
{
	return network_names[network];
}

const char *pacing_name(enum pacing pacing)
{
	return pacing_names[pacing];
}

void spec_free(struct job_spec *spec)
{
	domains_free(&spec->domains);
	domains_free(&spec->guarded);
	domains_free(&spec->denied);
	domains_free(&spec->ech);
	domains_free(&spec->intercept);
	request_rules_free(&spec->rules);
	request_rules_free(&spec->node_rules);
	secrets_free(&spec->secrets);
	json_decref(spec->labels);
	spec->labels = NULL;
}

int spec_set_name(struct job_spec *spec, const char *text, struct failure *failure)
{
	size_t length = strlen(text);

	if (!length || length > JOB_NAME_MAX || !strchr(ALPHANUMERIC, text[0]) ||
		strspn(text, ALPHANUMERIC "._-") != length)
		return fail_as(failure, STATUS_USAGE,
			"a job's name is 1 to %d of a-z A-Z 0-9 . _ - and starts with a letter "
			"or digit",
			JOB_NAME_MAX);
	memcpy(spec->name, text, length + 1);
	return 0;
}

int spec_set_network(struct job_spec *spec, const char *text, struct failure *failure)
{
	for (size_t i = 0; i < ARRAY_SIZE(network_names); i++)
		if (!strcasecmp(text, network_names[i])) {
			spec->network = (enum network)i;
			spec->network_given = true;
			return 0;
		}
	return fail_as(failure, STATUS_USAGE, "a network is none, http or full");
}

static int domain_failure(
	int error, const char *text, const char *problem, struct failure *failure)
{
	char shown[PRINTABLE_SIZE];

	if (error == -ENOMEM)
		return fail(failure, error, "domains");
	return fail_as(failure, STATUS_USAGE, "domain '%s': %s", printable(text, shown),
		problem ? problem : strerror(-error));
}

int spec_add_domain(struct job_spec *spec, const char *text, struct failure *failure)
{
	const char *problem = NULL;
	int error = domains_add(&spec->domains, text, strlen(text), &problem);

	return error ? domain_failure(error, text, problem, failure) : 0;
}

int spec_add_denied(struct job_spec *spec, const char *text, struct failure *failure)
{
	const char *problem = NULL;
	int error = domains_add(&spec->denied, text, strlen(text), &problem);

	return error ? domain_failure(error, text, problem, failure) : 0;
}

/* The set itself may hold more keys than the proxy's settings have room for. */
static bool keys_fit(const struct domains *domains, size_t max)
{
	struct domain_key keys[2];
	size_t count = 0;

	for (size_t i = 0; i < domains->count; i++)
		count += declared_domain_keys(&domains->list[i], keys);
	return count <= max;
}

/* Adds a domain to a set. The proxy's settings hold `max` of its keys. */
static int add_bounded(struct domains *domains, size_t max, const char *text,
	const char *what, struct failure *failure)
{
	const char *problem = NULL;
	int error = domains_add(domains, text, strlen(text), &problem);

	if (error)
		return domain_failure(error, text, problem, failure);
	if (!keys_fit(domains, max))
		return fail_as(failure, STATUS_USAGE,
			"a job has at most %zu %s, those with a leading dot count twice",
			max, what);
	return 0;
}

int spec_add_guarded(struct job_spec *spec, const char *text, struct failure *failure)
{
	return add_bounded(
		&spec->guarded, GUARDED_KEYS_MAX, text, "guarded domains", failure);
}

int spec_add_ech(struct job_spec *spec, const char *text, struct failure *failure)
{
	return add_bounded(&spec->ech, ECH_KEYS_MAX, text, "domains with ECH", failure);
}

int spec_add_intercept(struct job_spec *spec, const char *text, struct failure *failure)
{
	return add_bounded(&spec->intercept, INTERCEPT_KEYS_MAX, text,
		"domains with opened TLS", failure);
}

static int add_rule(struct request_rules *rules, const char *text, struct failure *failure)
{
	const char *problem = NULL;
	char shown[PRINTABLE_SIZE];
	int error = rule_declare(rules, text, strlen(text), &problem);

	if (error == -ENOMEM)
		return fail(failure, error, "rules");
	return error ? fail_as(failure, STATUS_USAGE, "rule '%s': %s",
			       printable(text, shown), problem)
		     : 0;
}

int spec_add_rule(struct job_spec *spec, const char *text, struct failure *failure)
{
	return add_rule(&spec->rules, text, failure);
}

int spec_add_node_rule(struct job_spec *spec, const char *text, struct failure *failure)
{
	return add_rule(&spec->node_rules, text, failure);
}

int spec_add_secret(struct job_spec *spec, const char *text, struct failure *failure)
{
	return secrets_add(&spec->secrets, text, failure);
}

int spec_add_secret_header(struct job_spec *spec, const char *text, struct failure *failure)
{
	return secrets_add_header(&spec->secrets, text, failure);
}

int spec_add_preset(struct job_spec *spec, const char *name, struct failure *failure)
{
	char path[PATH_SIZE];
	int error = preset_find(name, path, failure);

	return error ? error : spec_add_domain_file(spec, path, failure);
}

int spec_add_domain_file(struct job_spec *spec, const char *path, struct failure *failure)
{
	const char *problem = NULL;
	size_t line = 0;
	int error = domains_add_file(&spec->domains, &spec->rules,
		strcmp(path, "-") ? path : "/dev/stdin", &line, &problem);

	if (!error)
		return 0;
	if (!line || !problem)
		return fail(failure, error, "cannot read %s", path);
	return fail_as(failure, STATUS_USAGE, "%s:%zu: %s", path, line, problem);
}

int spec_set_rate(struct job_spec *spec, const char *text, struct failure *failure)
{
	int error = rate_parse(text, &spec->rate);

	if (error == -ERANGE)
		return fail_as(failure, STATUS_USAGE,
			"a rate is from 8kbit to 10gbit, or 0 for none");
	if (error)
		return fail_as(failure, STATUS_USAGE,
			"a rate is a number with a unit of tc(8), as 1mbit, 500kbit, 10mbps");
	spec->rate_given = true;
	return 0;
}

int spec_set_pacing(struct job_spec *spec, const char *text, struct failure *failure)
{
	for (size_t i = PACING_AUTO; i <= PACING_PROXY; i++)
		if (!strcmp(text, pacing_names[i])) {
			spec->pacing = (enum pacing)i;
			return 0;
		}
	return fail_as(failure, STATUS_USAGE, "pacing is auto, edt or proxy");
}

int spec_set_owner(struct job_spec *spec, const char *text, struct failure *failure)
{
	size_t length = strlen(text);

	/* More digits than Linux has for a process (PID_MAX_LIMIT) could overflow. */
	if (!length || length > 9 || strspn(text, "0123456789") != length ||
		!strtol(text, NULL, 10))
		return fail_as(failure, STATUS_USAGE,
			"the owner of a job is the number of a process");
	spec->owner = (pid_t)strtol(text, NULL, 10);
	return 0;
}

static bool is_label_text(const char *text, size_t length)
{
	if (length > LABEL_MAX)
		return false;
	for (size_t i = 0; i < length; i++)
		if (iscntrl((unsigned char)text[i]))
			return false;
	return true;
}

json_t *spec_labels(struct job_spec *spec)
{
	if (!spec->labels)
		spec->labels = json_object();
	return spec->labels;
}

bool spec_has_labels(const struct job_spec *spec, const json_t *labels)
{
	const json_t *value;
	const char *key;

	json_object_foreach ((json_t *)labels, key, value)
		if (!json_equal(json_object_get(spec->labels, key), value))
			return false;
	return true;
}

static int label_set(struct job_spec *spec, const char *key, size_t key_length,
	const char *value, struct failure *failure)
{
	char name[LABEL_MAX + 1];

	if (!key_length || !is_label_text(key, key_length) ||
		!is_label_text(value, strlen(value)))
		return fail_as(failure, STATUS_USAGE,
			"a label is KEY=VALUE, each of at most %d printable characters",
			LABEL_MAX);
	if (json_object_size(spec->labels) >= LABELS_MAX)
		return fail_as(
			failure, STATUS_USAGE, "a job has at most %d labels", LABELS_MAX);
	memcpy(name, key, key_length);
	name[key_length] = '\0';
	if (json_object_set_new(spec_labels(spec), name, json_string(value)))
		return fail_as(failure, STATUS_USAGE, "a label has to be valid UTF-8");
	return 0;
}

int spec_add_label(struct job_spec *spec, const char *text, struct failure *failure)
{
	const char *equals = strchr(text, '=');

	return label_set(spec, text, equals ? (size_t)(equals - text) : 0,
		equals ? equals + 1 : "", failure);
}

int spec_set_header(struct job_spec *spec, const char *text, struct failure *failure)
{
	if (!header_is_free(text))
		return fail_as(failure, STATUS_USAGE,
			"a header's name is 1 to %d of a-z A-Z 0-9 - and none that HTTP "
			"itself needs",
			HEADER_MAX);
	memcpy(spec->header, text, strlen(text) + 1);
	spec->header_given = true;
	return 0;
}

int spec_add_allowed(struct job_spec *spec, const char *text, struct failure *failure)
{
	struct address_range range;

	if (range_parse(text, strlen(text), &range))
		return fail_as(failure, STATUS_USAGE,
			"an allowed address is ADDRESS or ADDRESS/BITS with no bits set beyond");
	if (spec->allowed_count == ALLOWED_RANGES_MAX)
		return fail_as(failure, STATUS_USAGE,
			"a job has at most %d allowed addresses", ALLOWED_RANGES_MAX);
	spec->allowed[spec->allowed_count++] = range;
	return 0;
}

int spec_set_log(struct job_spec *spec, const char *text, struct failure *failure)
{
	if (!strcmp(text, "none"))
		spec->log = LOG_NONE;
	else if (!strcmp(text, "-"))
		spec->log = LOG_CALLER;
	else if (text[0] && !path_format(spec->log_file, "%s", text))
		spec->log = LOG_FILE;
	else
		return fail_as(failure, STATUS_USAGE,
			"a log is a file of at most %d bytes, - for standard error, or none",
			PATH_SIZE - 1);
	return 0;
}

int spec_finish(struct job_spec *spec, struct failure *failure)
{
	if (!spec->header[0])
		memcpy(spec->header, HEADER_DEFAULT, sizeof(HEADER_DEFAULT));
	if (!spec->network_given)
		spec->network =
			spec->domains.count || spec->learn ? NETWORK_HTTP : NETWORK_NONE;
	if (spec->network == NETWORK_HTTP && !spec->domains.count && !spec->learn)
		spec->network = NETWORK_NONE;
	if (spec->network != NETWORK_HTTP && spec->domains.count)
		return fail_as(failure, STATUS_USAGE,
			"domains and network %s contradict each other; leave one out",
			network_name(spec->network));
	if (spec->network != NETWORK_HTTP && spec->learn)
		return fail_as(failure, STATUS_USAGE,
			"a job with network %s has no names to learn; leave one out",
			network_name(spec->network));
	if (spec->network != NETWORK_HTTP && spec->rules.count)
		return fail_as(failure, STATUS_USAGE,
			"a job with network %s has no requests that rules could judge; leave out --rule",
			network_name(spec->network));
	if (spec->network != NETWORK_HTTP && spec->intercept.count)
		return fail_as(failure, STATUS_USAGE,
			"a job with network %s has no TLS that could be opened; leave out --intercept",
			network_name(spec->network));
	if (spec->network != NETWORK_HTTP && spec->secrets.count)
		return fail_as(failure, STATUS_USAGE,
			"a job with network %s has no requests that a secret could be set in; leave out --secret",
			network_name(spec->network));
	if (spec->network == NETWORK_FULL && spec->rate_given && spec->rate)
		return fail_as(failure, STATUS_USAGE,
			"a full network is not throttled; leave out --rate, or give --rate 0");
	if (spec->network == NETWORK_FULL)
		spec->rate = 0;
	return 0;
}
