// SPDX-License-Identifier: BSD-2-Clause
/*
 * A policy file. An error names an existing line, and an accepted policy refuses the
 * domains that it denies.
 */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "policy/admission.h"
#include "lib/cleanup.h"
#include "lib/require.h"

#define NAME "FILE"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require_place(const struct failure *failure, const char *text, size_t size)
{
	unsigned long line, lines = 1;
	char *end;

	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	require(failure->status == STATUS_POLICY);
	require(!strncmp(failure->text, NAME ":", strlen(NAME ":")));
	line = strtoul(failure->text + strlen(NAME ":"), &end, 10);
	require(*end == ':' && line >= 1 && line <= lines);
	for (const char *c = failure->text; *c; c++)
		require(!iscntrl((unsigned char)*c));
}

/* The settings that refuse a job which declares one domain. */
static bool is_refused(const struct policy *policy, const struct declared_domain *domain)
{
	_json_ json_t *violations = json_array();
	struct job_spec spec = { .network = NETWORK_HTTP,
		.domains = { .list = (struct declared_domain *)domain, .count = 1 },
		.rate = policy->rate,
		.header_given = true };
	struct policy quiet = *policy;
	const struct admission admission = { .policy = &quiet, .spec = &spec };

	/* The fuzzer runs no programs. */
	quiet.probe[0] = '\0';
	memcpy(spec.header, policy->header, sizeof(spec.header));
	require(!admission_check(&admission, true, violations));
	return json_array_size(violations);
}

static void require_sense(const struct policy *policy)
{
	require(policy->accept <= NETWORK_FULL);
	require(policy->max_domains >= 1 && policy->max_domains <= DOMAINS_MAX);
	require(policy->max_connections >= 1 &&
		policy->max_connections <= JOB_CONNECTIONS_MAX);
	require(policy->header[0] && policy->allowed_address_count <= ALLOWED_RANGES_MAX);
	require(!policy->probe[0] || policy->probe[0] == '/');
	require(!policy->max_rate || (policy->rate && policy->rate <= policy->max_rate));
	for (size_t i = 0; i < policy->denied_domains.count; i++)
		require(is_refused(policy, &policy->denied_domains.list[i]));
	for (size_t i = 0; i < policy->allowed_domains.count; i++)
		require(is_refused(policy, &policy->allowed_domains.list[i]) ==
			(policy->accept == NETWORK_NONE ||
				domains_overlap(&policy->denied_domains,
					&policy->allowed_domains.list[i])));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(policy_free) struct policy policy = {};
	struct failure failure = {};

	policy_init(&policy);
	if (policy_parse(&policy, NAME, (const char *)data, size, &failure))
		require_place(&failure, (const char *)data, size);
	else if (!policy_finish(&policy, &failure))
		require_sense(&policy);
	return 0;
}
