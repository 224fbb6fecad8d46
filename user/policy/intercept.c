// SPDX-License-Identifier: BSD-2-Clause
/* See intercept.h. */

#include "policy/intercept.h"
#include "policy/violation.h"

int intercept_check_allowed(
	const struct policy *policy, const struct job_spec *spec, json_t *violations)
{
	const struct domains *wanted = &spec->intercept;
	int error = 0;

	for (size_t i = 0; !error && i < wanted->count; i++) {
		char text[DOMAIN_TEXT_SIZE];

		if (domains_cover(&policy->intercept_domains, &wanted->list[i]))
			continue;
		declared_domain_format(&wanted->list[i], text);
		error = violation_add(violations, "allow_intercept", text,
			"domain %s is none whose TLS this node opens; to allow it, set allow_intercept = %s in %s",
			text, text, policy_where(policy, "allow_intercept"));
	}
	return error;
}

static int add(struct job_spec *spec, const struct declared_domain *domain,
	struct failure *failure)
{
	char text[DOMAIN_TEXT_SIZE];

	declared_domain_format(domain, text);
	return spec_add_intercept(spec, text, failure);
}

/*
 * Of two declarations that overlap, one covers the other, or both are of the same name. The
 * narrower of them is what both allow.
 */
static int add_overlap(
	struct job_spec *spec, const struct declared_domain *guard, struct failure *failure)
{
	const struct domains only_guard = { .list = (struct declared_domain *)guard,
		.count = 1 };
	int error = 0;

	if (spec->learn || domains_cover(&spec->domains, guard))
		return add(spec, guard, failure);
	for (size_t i = 0; !error && i < spec->domains.count; i++)
		if (domains_cover(&only_guard, &spec->domains.list[i]))
			error = add(spec, &spec->domains.list[i], failure);
	return error;
}

int intercept_add_guarded(struct job_spec *spec, struct failure *failure)
{
	int error = 0;

	for (size_t i = 0; !error && i < spec->guarded.count; i++)
		error = add_overlap(spec, &spec->guarded.list[i], failure);
	return error;
}
