// SPDX-License-Identifier: BSD-2-Clause
/* What holds where no file says otherwise, and which keys depend on each other. */

#include <string.h>

#include "policy/policy.h"

#define RATE_UNSET	UINT64_MAX
#define TIMEOUT_DEFAULT 10 /* seconds */

int policy_finish(struct policy *policy, struct failure *failure)
{
	char text[DOMAIN_TEXT_SIZE];

	policy->max_rate_given = policy->max_rate != RATE_UNSET;
	if (policy->rate == RATE_UNSET)
		policy->rate = policy->max_rate && policy->max_rate < RATE_DEFAULT
				       ? policy->max_rate
				       : RATE_DEFAULT;
	if (!policy->max_rate_given)
		policy->max_rate = policy->rate;
	if (policy->max_rate && (!policy->rate || policy->rate > policy->max_rate))
		return fail_as(failure, STATUS_POLICY,
			"rate in %s is above max_rate in %s: until that is mended no job is accepted",
			policy_where(policy, "rate"), policy_where(policy, "max_rate"));
	for (size_t i = 0; i < policy->default_domains.count; i++) {
		const struct declared_domain *denied = domains_overlap(
			&policy->denied_domains, &policy->default_domains.list[i]);

		if (!denied)
			continue;
		declared_domain_format(denied, text);
		return fail_as(failure, STATUS_POLICY,
			"%s is in deny_domain in %s, and in default_domain in %s: until that is mended no job is accepted",
			text, policy_where(policy, "deny_domain"),
			policy_where(policy, "default_domain"));
	}
	return secret_grants_finish(&policy->secrets, failure);
}

void policy_init(struct policy *policy)
{
	*policy = (struct policy){ .file = POLICY_FILE,
		.rate = RATE_UNSET,
		.max_rate = RATE_UNSET,
		.header = HEADER_DEFAULT,
		.max_domains = DOMAINS_MAX,
		.max_connections = JOB_CONNECTIONS_MAX,
		.log = true,
		.log_max = REQUEST_LOG_MAX,
		.probe_timeout = TIMEOUT_DEFAULT };
}

void policy_free(struct policy *policy)
{
	domains_free(&policy->allowed_domains);
	domains_free(&policy->denied_domains);
	domains_free(&policy->default_domains);
	domains_free(&policy->guard_domains);
	domains_free(&policy->ech_domains);
	domains_free(&policy->intercept_domains);
	request_rules_free(&policy->rules);
	for (size_t i = 0; i < policy->signer_count; i++)
		domains_free(&policy->signers[i].allowed);
	free(policy->signers);
	secret_grants_free(&policy->secrets);
	json_decref(policy->shares);
	for (size_t i = 0; i < POLICY_KEYS_MAX; i++)
		free(policy->given_in[i]);
	*policy = (struct policy){};
}
