// SPDX-License-Identifier: BSD-2-Clause
/*
 * `jobfence policy features`. What the kernel holds comes from the checks of `doctor`, and
 * what the policy allows from the rules of `policy check`.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/doctor.h"
#include "cli/features.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "node/objects.h"
#include "node/systemd.h"
#include "policy/admission.h"
#include "policy/preset.h"

#define LABEL_PREFIX  "io.jobfence."
#define PRESET_PREFIX LABEL_PREFIX "preset."
#define LABEL_MAX     63 /* bytes of a label's key in Kubernetes */

/* Whether a check of the doctor says `ok`. */
static bool is_ok(const struct findings *findings, const char *check)
{
	const json_t *finding;
	size_t i;

	json_array_foreach (findings->list, i, finding) {
		const char *word = json_string_value(json_object_get(finding, "check")),
			   *result = json_string_value(json_object_get(finding, "result"));

		if (!strcmp(word, check))
			return !strcmp(result, finding_word(FINDING_OK));
	}
	return false;
}

static bool has_slices(void)
{
	struct failure ignored = {};

	return !systemd_load(&ignored);
}

/*
 * Adds the name to `accepted` if the policy takes a job with that preset and nothing else.
 * The probe is not asked.
 */
static int try_preset(const struct policy *policy, json_t *name, json_t *accepted,
	struct failure *failure)
{
	_cleanup_(spec_free) struct job_spec spec = {};
	struct admission admission = { .policy = policy, .spec = &spec, .probed = true };
	_json_ json_t *violations = json_array();
	struct failure unsettled = {};
	int error = spec_add_preset(&spec, json_string_value(name), failure);

	if (error)
		return error;
	/* Such as a wildcard that the policy does not allow. */
	if (admission_settle(&admission, &unsettled))
		return 0;
	error = violations ? admission_check(&admission, false, violations) : -ENOMEM;
	if (!error && !json_array_size(violations) && json_array_append(accepted, name))
		error = -ENOMEM;
	return error ? fail(failure, error, "cannot check the preset %s",
			       json_string_value(name))
		     : 0;
}

static int add_presets(
	const struct policy *policy, json_t *accepted, struct failure *failure)
{
	_json_ json_t *names = preset_names(failure);
	json_t *name;
	size_t i;
	int error = names ? 0 : -EIO;

	json_array_foreach (names, i, name)
		if (!error)
			error = try_preset(policy, name, accepted, failure);
	return error;
}

/* The names of those that the policy has. None is set without opened TLS. */
static json_t *secret_names(const struct policy *policy, bool opens_tls)
{
	json_t *names = json_array();

	for (size_t i = 0; opens_tls && i < policy->secrets.count; i++)
		if (json_array_append_new(
			    names, json_string(policy->secrets.list[i].secret.name))) {
			json_decref(names);
			return NULL;
		}
	return names;
}

/* In the words of `show`, as far as jobs of this node can have such a lock. */
static json_t *locks_to_json(const struct findings *findings)
{
	const bool programs = is_ok(findings, "programs");

	return json_pack("{s:b, s:b, s:b, s:b, s:b, s:b}", "sockets", programs, "packets",
		programs, "lsm", is_ok(findings, "bpf-lsm"), "namespace",
		is_ok(findings, "namespaces"), "seccomp", is_ok(findings, "seccomp"),
		"landlock", is_ok(findings, "landlock"));
}

static json_t *limits_to_json(const struct policy *policy)
{
	return json_pack("{s:I, s:I, s:i, s:i}", "rate", (json_int_t)policy->rate,
		"max_rate", (json_int_t)policy->max_rate, "max_domains",
		(int)policy->max_domains, "max_connections", (int)policy->max_connections);
}

static json_t *features_to_json(
	const struct findings *findings, const struct policy *policy, json_t *presets)
{
	const bool opens_tls = is_ok(findings, "proxy-tls");

	return json_pack(
		"{s:s, s:i, s:s, s:b, s:s, s:b, s:o, s:O, s:b, s:o, s:o, s:o, s:o, s:b, s:b, s:o, s:s, s:b, s:b, s:o}",
		"version", VERSION, "abi", FENCE_ABI, "programs", objects_digest(), "works",
		!findings->lacks, "accept", network_name(policy->accept), "any_domain",
		policy->allow_any_domain, "domains",
		domains_to_json(&policy->allowed_domains), "presets", presets, "opens_tls",
		opens_tls, "intercept",
		opens_tls ? domains_to_json(&policy->intercept_domains) : json_array(),
		"secrets", secret_names(policy, opens_tls), "ech",
		domains_to_json(&policy->ech_domains), "addresses",
		ranges_to_json(policy->allowed_addresses, policy->allowed_address_count),
		"learn", policy->learn, "probe", policy->probe[0] != '\0', "limits",
		limits_to_json(policy), "pacing",
		is_ok(findings, "sch-fq") ? "edt" : "proxy", "ipv6",
		is_ok(findings, "ipv6"), "slices", has_slices(), "locks",
		locks_to_json(findings));
}

/*
 * Prints the fields as labels. Of a list of domains or addresses a label only says whether
 * it has any.
 */
static void print_labels(const json_t *features)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)features, key, value) {
		if (json_is_object(value))
			print_labels(value);
		else if (json_is_string(value))
			printf(LABEL_PREFIX "%s=%s\n", key, json_string_value(value));
		else if (json_is_integer(value))
			printf(LABEL_PREFIX "%s=%" JSON_INTEGER_FORMAT "\n", key,
				json_integer_value(value));
		else
			printf(LABEL_PREFIX "%s=%s\n", key,
				json_is_true(value) || json_array_size(value) ? "yes"
									      : "no");
	}
}

/* A name that is too long for a label, or ends like no label may, gets none. */
static void print_preset_labels(const json_t *presets)
{
	const json_t *name;
	size_t i;

	json_array_foreach (presets, i, name) {
		const char *text = json_string_value(name);
		size_t length = strlen(text);

		if (length <= LABEL_MAX - strlen(PRESET_PREFIX) && text[length - 1] != '-')
			printf(PRESET_PREFIX "%s=yes\n", text);
	}
}

int features_print(const struct options *options, struct failure *failure)
{
	_cleanup_(policy_free) struct policy policy = {};
	_cleanup_(findings_free) struct findings findings;
	_json_ json_t *presets = json_array(), *features = NULL;
	int error = policy_load(&policy, options->config, failure);

	findings_begin(&findings);
	if (!error && presets)
		error = add_presets(&policy, presets, failure);
	if (error)
		return error;
	node_examine(&findings, options->config);
	if (presets && !findings.exhausted)
		features = features_to_json(&findings, &policy, presets);
	if (!features)
		return fail(failure, -ENOMEM, "cannot tell the features of this node");
	if (options->json)
		return print_json(features);
	print_labels(features);
	print_preset_labels(presets);
	return 0;
}
