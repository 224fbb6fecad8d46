// SPDX-License-Identifier: BSD-2-Clause
/*
 * Each rule is a function that appends a violation; admission_check() is the list of them.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "jobfence/address.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/printable.h"
#include "lib/rate.h"
#include "names/address.h"
#include "names/declaration.h"
#include "policy/admission.h"
#include "policy/intercept.h"
#include "policy/probe.h"
#include "policy/secret_admission.h"
#include "policy/signature.h"
#include "policy/violation.h"

static int check_accept(const struct admission *admission, json_t *violations)
{
	const struct policy *policy = admission->policy;
	const char *wanted = network_name(admission->spec->network);

	if (policy->accept >= admission->spec->network)
		return 0;
	return violation_add(violations, "accept", wanted,
		"this node takes no job with network %s; to take them, set accept = %s in %s",
		wanted, wanted, policy_where(policy, "accept"));
}

static int check_learn(const struct admission *admission, json_t *violations)
{
	const struct policy *policy = admission->policy;

	if (!admission->spec->learn || policy->learn)
		return 0;
	return violation_add(violations, "learn", NULL,
		"this node lets no job learn; to allow it, set learn = yes in %s",
		policy_where(policy, "learn"));
}

static int check_denied(const struct admission *admission, json_t *violations)
{
	const struct policy *policy = admission->policy;
	const struct domains *declared = &admission->spec->domains;
	int error = 0;

	for (size_t i = 0; !error && i < declared->count; i++) {
		const struct declared_domain *denied =
			domains_overlap(&policy->denied_domains, &declared->list[i]);
		char text[DOMAIN_TEXT_SIZE], rule[DOMAIN_TEXT_SIZE];

		if (!denied)
			continue;
		declared_domain_format(&declared->list[i], text);
		declared_domain_format(denied, rule);
		error = violation_add(violations, "deny_domain", text,
			"domain %s is denied by this node: deny_domain has %s in %s", text,
			rule, policy_where(policy, "deny_domain"));
	}
	return error;
}

/* Whether the policy itself lets each job declare the domain. */
static bool is_allowed_domain(
	const struct policy *policy, const struct declared_domain *domain)
{
	return policy->allow_any_domain ||
	       domains_cover(&policy->allowed_domains, domain) ||
	       domains_cover(&policy->default_domains, domain);
}

static int check_covered(const struct admission *admission, const struct domains *granted,
	json_t *violations)
{
	const struct policy *policy = admission->policy;
	const struct domains *declared = &admission->spec->domains;
	int error = 0;

	for (size_t i = 0; !error && i < declared->count; i++) {
		const struct declared_domain *domain = &declared->list[i];
		char text[DOMAIN_TEXT_SIZE];

		if (is_allowed_domain(policy, domain) || domains_cover(granted, domain))
			continue;
		declared_domain_format(domain, text);
		error = violation_add(violations, "allow_domain", text,
			"domain %s is not allowed on this node; to allow it, set allow_domain = %s in %s",
			text, text, policy_where(policy, "allow_domain"));
	}
	return error;
}

/* A declared domain does not count if it is also a default domain. */
static int check_count(
	const struct policy *policy, const struct domains *declared, json_t *violations)
{
	char number[16];
	uint32_t count = 0;

	for (size_t i = 0; i < declared->count; i++)
		count += !domains_cover(&policy->default_domains, &declared->list[i]);
	if (count <= policy->max_domains)
		return 0;
	snprintf(number, sizeof(number), "%u", count);
	return violation_add(violations, "max_domains", number,
		"the job declares %u domains, and this node allows %u; to allow more, set max_domains in %s",
		count, policy->max_domains, policy_where(policy, "max_domains"));
}

static int check_rate(const struct admission *admission, json_t *violations)
{
	const struct policy *policy = admission->policy;
	char rate[RATE_TEXT_MAX], most[RATE_TEXT_MAX];

	if (!policy->max_rate || (admission->by_operator && !policy->max_rate_given) ||
		(admission->spec->rate && admission->spec->rate <= policy->max_rate))
		return 0;
	rate_format(admission->spec->rate, rate);
	rate_format(policy->max_rate, most);
	return violation_add(violations, "max_rate", rate,
		"a rate of %s is above the %s of this node; to allow more, set max_rate in %s",
		admission->spec->rate ? rate : "0 (no limit)", most,
		policy_where(policy, "max_rate"));
}

static int check_header(const struct admission *admission, json_t *violations)
{
	const struct policy *policy = admission->policy;

	if (!strcasecmp(admission->spec->header, policy->header))
		return 0;
	return violation_add(violations, "header", admission->spec->header,
		"header %s is not that of this node, which is header = %s in %s",
		admission->spec->header, policy->header, policy_where(policy, "header"));
}

static bool is_allowed_range(const struct policy *policy, const struct address_range *range)
{
	for (uint32_t i = 0; i < policy->allowed_address_count; i++)
		if (range->bits >= policy->allowed_addresses[i].bits &&
			address_in_range(&range->address, &policy->allowed_addresses[i]))
			return true;
	return false;
}

static int check_addresses(const struct admission *admission, json_t *violations)
{
	const struct job_spec *spec = admission->spec;
	int error = 0;

	for (uint32_t i = 0; !error && i < spec->allowed_count; i++) {
		char text[RANGE_TEXT_MAX];

		if (is_allowed_range(admission->policy, &spec->allowed[i]))
			continue;
		range_format(&spec->allowed[i], text);
		error = violation_add(violations, "allow_address", text,
			"addresses %s are not allowed on this node; to allow them, set allow_address = %s in %s",
			text, text, policy_where(admission->policy, "allow_address"));
	}
	return error;
}

static int check_ech(const struct admission *admission, json_t *violations)
{
	const struct domains *wanted = &admission->spec->ech;
	int error = 0;

	for (size_t i = 0; !error && i < wanted->count; i++) {
		char text[DOMAIN_TEXT_SIZE];

		if (domains_cover(&admission->policy->ech_domains, &wanted->list[i]))
			continue;
		declared_domain_format(&wanted->list[i], text);
		error = violation_add(violations, "allow_ech", text,
			"domain %s is none for which this node allows ECH; to allow it, set allow_ech = %s in %s",
			text, text, policy_where(admission->policy, "allow_ech"));
	}
	return error;
}

static int check_signature(
	const struct admission *admission, struct signed_spec *granted, json_t *violations)
{
	char reason[REASON_SIZE];
	int error;

	if (!admission->signature)
		return 0;
	error = signature_grant(admission->policy, admission->signed_text,
		admission->signed_length, admission->signature, granted, reason);
	return error == -EACCES ? violation_add(violations, "trusted_keys",
					  admission->signature, "%s", reason)
				: error;
}

/*
 * Finds a domain that only the signature grants, that has signed rules, and that `rule` is
 * for. Each two of the three overlap, and since domains are trees, so do all. NULL: there
 * is none.
 */
static const struct declared_domain *widened_grant(const struct policy *policy,
	const struct signed_spec *granted, const struct request_rule *rule)
{
	for (size_t i = 0; i < granted->domains.count; i++) {
		const struct declared_domain *domain = &granted->domains.list[i];

		if (is_allowed_domain(policy, domain) ||
			!declared_domains_overlap(domain, &rule->domain))
			continue;
		for (size_t k = 0; k < granted->rules.count; k++) {
			const struct declared_domain *of = &granted->rules.list[k].domain;

			if (declared_domains_overlap(of, domain) &&
				declared_domains_overlap(of, &rule->domain))
				return domain;
		}
	}
	return NULL;
}

/* One of the rules of a domain is enough for a request, so one more would widen them. */
static int check_signed_rules(const struct admission *admission,
	const struct signed_spec *granted, json_t *violations)
{
	const struct policy *policy = admission->policy;
	const struct request_rules *rules = &admission->spec->rules;
	int error = 0;

	for (size_t i = 0; !error && i < rules->count; i++) {
		const struct request_rule *rule = &rules->list[i];
		const struct declared_domain *domain;
		char text[DOMAIN_TEXT_SIZE];

		if (request_rules_have(&granted->rules, rule->text) ||
			is_allowed_domain(policy, &rule->domain))
			continue;
		domain = widened_grant(policy, granted, rule);
		if (!domain)
			continue;
		declared_domain_format(domain, text);
		error = violation_add(violations, "trusted_keys", rule->text,
			"a rule that is not in the signed spec would widen its rules for domain %s, which only the signature grants; leave it out, or have it signed",
			text);
	}
	return error;
}

static int check_probe(const struct admission *admission, json_t *violations)
{
	const struct policy *policy = admission->policy;
	char reason[REASON_SIZE];
	int error;

	if (!policy->probe[0])
		return 0;
	error = probe_ask(policy, admission->spec, reason);
	return error == -EACCES
		       ? violation_add(violations, "probe", policy->probe,
				 "the probe %s refuses the job: %s", policy->probe, reason)
		       : error;
}

/*
 * Calls a rule. After an error, or after the first violation without `all`, it calls
 * none.
 */
#define APPLY(rule) \
	do { \
		if (!error && (all || !json_array_size(violations))) \
			error = (rule); \
	} while (0)

int admission_check(const struct admission *admission, bool all, json_t *violations)
{
	_cleanup_(signed_spec_free) struct signed_spec granted = {};
	bool http = admission->spec->network == NETWORK_HTTP;
	int error = 0;

	if (admission->spec->network == NETWORK_NONE)
		return 0;
	if (!admission->by_operator)
		APPLY(check_accept(admission, violations));
	if (http) {
		APPLY(check_denied(admission, violations));
		APPLY(check_count(
			admission->policy, &admission->spec->domains, violations));
		APPLY(check_rate(admission, violations));
		APPLY(check_signature(admission, &granted, violations));
	}
	if (admission->by_operator)
		return error;
	if (http) {
		APPLY(check_learn(admission, violations));
		APPLY(check_covered(admission, &granted.domains, violations));
		APPLY(check_signed_rules(admission, &granted, violations));
		APPLY(check_header(admission, violations));
		APPLY(check_addresses(admission, violations));
		APPLY(check_ech(admission, violations));
		APPLY(intercept_check_allowed(
			admission->policy, admission->spec, violations));
	}
	if (!admission->probed)
		APPLY(check_probe(admission, violations));
	return error;
}

/*
 * Only the policy tells whether a wildcard may stand for a public suffix, so this is
 * checked here. It is an error of the spec all the same.
 */
static int check_wildcards(const struct admission *admission,
	const struct domains *declared, struct failure *failure)
{
	if (admission->policy->allow_public_suffix_wildcards)
		return 0;
	for (size_t i = 0; i < declared->count; i++) {
		char text[DOMAIN_TEXT_SIZE];

		if (!declaration_covers_strangers(&declared->list[i]))
			continue;
		declared_domain_format(&declared->list[i], text);
		return fail_as(failure, STATUS_USAGE,
			"domain '%s': a wildcard on a public suffix covers the domains of "
			"strangers; see allow_public_suffix_wildcards in %s",
			text,
			policy_where(admission->policy, "allow_public_suffix_wildcards"));
	}
	return 0;
}

/*
 * Whether the job reaches a domain. A job that learns reaches every domain. One without
 * domains gets no network, and so no default domains.
 */
static bool reaches(const struct admission *admission, const struct declared_domain *domain)
{
	const struct job_spec *spec = admission->spec;

	return spec->learn || domains_cover(&spec->domains, domain) ||
	       (spec->domains.count &&
		       domains_cover(&admission->policy->default_domains, domain));
}

/* ECH for a domain that the job can't reach is a mistake. */
static int check_ech_reached(const struct admission *admission, struct failure *failure)
{
	const struct domains *ech = &admission->spec->ech;

	for (size_t i = 0; i < ech->count; i++) {
		char text[DOMAIN_TEXT_SIZE];

		if (reaches(admission, &ech->list[i]))
			continue;
		declared_domain_format(&ech->list[i], text);
		return fail_as(failure, STATUS_USAGE,
			"ECH is allowed for '%s', which the job does not declare; to declare it: --domain '%s'",
			text, text);
	}
	return 0;
}

/* So is to open the TLS to one. */
static int check_intercept_reached(
	const struct admission *admission, struct failure *failure)
{
	const struct domains *wanted = &admission->spec->intercept;

	for (size_t i = 0; i < wanted->count; i++) {
		char text[DOMAIN_TEXT_SIZE];

		if (reaches(admission, &wanted->list[i]))
			continue;
		declared_domain_format(&wanted->list[i], text);
		return fail_as(failure, STATUS_USAGE,
			"TLS to '%s' can't be opened, as the job does not declare it; to declare it: --domain '%s'",
			text, text);
	}
	return 0;
}

/* So is a rule for one, which would have no force. */
static int check_rules_reached(const struct admission *admission, struct failure *failure)
{
	const struct request_rules *rules = &admission->spec->rules;

	for (size_t i = 0; i < rules->count; i++) {
		char text[DOMAIN_TEXT_SIZE];

		if (reaches(admission, &rules->list[i].domain))
			continue;
		declared_domain_format(&rules->list[i].domain, text);
		return fail_as(failure, STATUS_USAGE,
			"there is a rule for '%s', which the job does not declare; to declare it: --domain '%s'",
			text, text);
	}
	return 0;
}

int admission_settle(const struct admission *admission, struct failure *failure)
{
	const struct policy *policy = admission->policy;
	struct job_spec *spec = admission->spec;
	int error = check_wildcards(admission, &spec->domains, failure);

	if (!error)
		error = check_wildcards(admission, &spec->ech, failure);
	if (!error)
		error = check_wildcards(admission, &spec->intercept, failure);
	if (!error)
		error = check_ech_reached(admission, failure);
	if (!error)
		error = check_intercept_reached(admission, failure);
	if (!error)
		error = check_rules_reached(admission, failure);
	if (error)
		return error;
	if (admission->signature && !admission->signed_text)
		return fail_as(failure, STATUS_USAGE,
			"a signature needs what it signs: --spec FILE");
	if (!spec->rate_given && spec->network != NETWORK_FULL)
		spec->rate = policy->rate;
	if (!spec->header_given)
		memcpy(spec->header, policy->header, sizeof(spec->header));
	error = spec_finish(spec, failure);
	return error ? error : secrets_settle(spec, failure);
}

static int add_each(struct job_spec *spec, const struct domains *domains,
	int (*add)(struct job_spec *spec, const char *text, struct failure *failure),
	struct failure *failure)
{
	int error = 0;

	for (size_t i = 0; !error && i < domains->count; i++) {
		char text[DOMAIN_TEXT_SIZE];

		declared_domain_format(&domains->list[i], text);
		error = add(spec, text, failure);
	}
	return error;
}

/*
 * Adds the domains that each http job of the node gets, those that none may reach, and the
 * rules for what may be requested.
 */
static int add_node_domains(
	struct job_spec *spec, const struct policy *policy, struct failure *failure)
{
	const char *problem = NULL;
	int error = domains_add_set(&spec->domains, &policy->default_domains, &problem);

	if (error)
		return fail_as(
			failure, STATUS_USAGE, "with the default domains: %s", problem);
	error = add_each(spec, &policy->denied_domains, spec_add_denied, failure);
	if (!error)
		error = add_each(spec, &policy->guard_domains, spec_add_guarded, failure);
	if (!error && policy->intercept_guarded)
		error = intercept_add_guarded(spec, failure);
	for (size_t i = 0; !error && i < policy->rules.count; i++)
		error = spec_add_node_rule(spec, policy->rules.list[i].text, failure);
	return error;
}

int admission_enforce(const struct admission *admission, struct failure *failure)
{
	_json_ json_t *violations = json_array();
	struct job_spec *spec = admission->spec;
	int error = admission_settle(admission, failure);

	if (error)
		return error;
	error = violations ? admission_check(admission, false, violations) : -ENOMEM;
	error = violations_report(error, violations, failure);
	if (error || spec->network != NETWORK_HTTP)
		return error;
	error = add_node_domains(spec, admission->policy, failure);
	return error ? error
		     : secrets_add_granted(spec, admission->policy, admission->signed_text,
			       admission->signed_length, admission->signature, failure);
}

/* Whether the set has a rule for a host of the domain that `others` lacks. */
static bool has_more_rules(const struct request_rules *rules,
	const struct request_rules *others, const struct declared_domain *domain)
{
	for (size_t i = 0; i < rules->count; i++)
		if (declared_domains_overlap(&rules->list[i].domain, domain) &&
			!request_rules_have(others, rules->list[i].text))
			return true;
	return false;
}

/*
 * A job keeps the node's rules that it began with. If the policy has rules for an added
 * domain, they have to be the same: one more in the set of the job would widen it.
 */
static int check_same_rules(const struct policy *policy, const struct job_spec *job,
	const struct declared_domain *domain, json_t *violations)
{
	static const struct request_rules none;
	char text[DOMAIN_TEXT_SIZE];

	if (!has_more_rules(&policy->rules, &job->node_rules, domain) &&
		(!has_more_rules(&policy->rules, &none, domain) ||
			!has_more_rules(&job->node_rules, &policy->rules, domain)))
		return 0;
	declared_domain_format(domain, text);
	return violation_add(violations, "rule", text,
		"the rules for domain %s in %s are not those that the job began with; to have it, begin the job anew",
		text, policy_where(policy, "rule"));
}

/* A job keeps its guarded domains, too. A guarded address is where any name may lead. */
static int check_same_guards(const struct policy *policy, const struct job_spec *job,
	const struct declared_domain *domain, json_t *violations)
{
	for (size_t i = 0; i < policy->guard_domains.count; i++) {
		const struct declared_domain *guard = &policy->guard_domains.list[i];
		char text[DOMAIN_TEXT_SIZE], guarded[DOMAIN_TEXT_SIZE];

		if (domains_cover(&job->guarded, guard) ||
			(!guard->host.literal && !declared_domains_overlap(guard, domain)))
			continue;
		declared_domain_format(domain, text);
		declared_domain_format(guard, guarded);
		return violation_add(violations, "guard_domain", text,
			"domain %s may lead to %s, which guard_domain in %s has and the job began without; to have it, begin the job anew",
			text, guarded, policy_where(policy, "guard_domain"));
	}
	return 0;
}

/* What the policy says of the added domains has to hold in the job as it is. */
static int check_added(
	const struct admission *admission, const struct job_spec *job, json_t *violations)
{
	const struct domains *added = &admission->spec->domains;
	int error = 0;

	for (size_t i = 0; !error && i < added->count; i++) {
		error = check_same_rules(
			admission->policy, job, &added->list[i], violations);
		if (!error)
			error = check_same_guards(
				admission->policy, job, &added->list[i], violations);
	}
	return error;
}

int admission_enforce_update(const struct admission *admission, const struct job_spec *job,
	struct failure *failure)
{
	const struct policy *policy = admission->policy;
	_json_ json_t *violations = json_array();
	struct job_spec *spec = admission->spec;
	int error = check_wildcards(admission, &spec->domains, failure);

	if (error)
		return error;
	/* The policy accepted the rest of the job before. */
	if (!spec->rate_given)
		spec->rate = policy->rate;
	/* But guards look for today's header in what reaches an added domain. */
	memcpy(spec->header, spec->domains.count ? job->header : policy->header,
		sizeof(spec->header));
	spec->network = NETWORK_HTTP;
	error = violations ? admission_check(admission, false, violations) : -ENOMEM;
	if (!error && !json_array_size(violations))
		error = check_count(policy, &job->domains, violations);
	if (!error && !json_array_size(violations))
		error = check_added(admission, job, violations);
	return violations_report(error, violations, failure);
}
