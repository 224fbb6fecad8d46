// SPDX-License-Identifier: BSD-2-Clause
/* See check_policy.h. */

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/rate.h"
#include "policy/check_policy.h"
#include "policy/policy.h"
#include "policy/signature.h"

static void check_writers(struct findings *findings, const char *path)
{
	struct stat status;
	char command[PATH_SIZE + 64];

	if (stat(path, &status) ||
		(!(status.st_mode & (S_IWGRP | S_IWOTH)) && !status.st_uid))
		return;
	snprintf(command, sizeof(command), "chown root %s && chmod go-w %s", path, path);
	findings_add(findings, FINDING_NOTE, "policy-file",
		"whoever writes it decides which jobs the node takes", command,
		"others than root may write to %s", path);
}

/* The programs and files that the policy names. */
static void check_helpers(struct findings *findings, const struct policy *policy)
{
	if (policy->probe[0] && access(policy->probe, X_OK))
		findings_add(findings, FINDING_NOTE, "probe",
			"every job of others is refused",
			"install it there, or remove the key probe",
			"the probe %s can't be run", policy->probe);
	if (policy->upstream_ca[0] && access(policy->upstream_ca, R_OK))
		findings_add(findings, FINDING_NOTE, "upstream-ca",
			"jobs with --intercept do not start",
			"put the certificates there, or remove the key upstream_ca",
			"%s can't be read", policy->upstream_ca);
	if (policy->trusted_keys[0] && access(policy->trusted_keys, R_OK))
		findings_add(findings, FINDING_NOTE, "trusted-keys",
			"signed specs are refused",
			"put the keys there, or remove the key trusted_keys",
			"%s can't be read", policy->trusted_keys);
	if (policy->trusted_keys[0] && access(SIGNATURE_PROGRAM, X_OK))
		findings_add(findings, FINDING_NOTE, "trusted-keys",
			"signed specs are refused", "apt-get install openssh-client",
			SIGNATURE_PROGRAM " is missing");
}

static void summarize(struct findings *findings, const struct policy *policy)
{
	char rate[RATE_TEXT_MAX], max[RATE_TEXT_MAX], domains[64];

	rate_format(policy->rate, rate);
	rate_format(policy->max_rate, max);
	snprintf(domains, sizeof(domains), "%zu domains", policy->allowed_domains.count);
	findings_add(findings, FINDING_OK, "policy", NULL, NULL,
		"%s takes jobs with network %s, %s, %zu denied, rate %s, at most %s, %u connections",
		policy->file, network_name(policy->accept),
		policy->allow_any_domain ? "any domain" : domains,
		policy->denied_domains.count, rate, max, policy->max_connections);
}

void check_policy(struct findings *findings, const char *file)
{
	_cleanup_(policy_free) struct policy policy = {};
	struct failure failure = {};

	if (policy_load(&policy, file, &failure)) {
		if (geteuid() && access(file ? file : POLICY_FILE, R_OK))
			findings_add(findings, FINDING_NOTE, "policy",
				"it was not seen what it allows", "sudo jobfence doctor",
				"%s", failure.text);
		else
			findings_add(findings, FINDING_LACKS, "policy",
				"no job starts until it is mended",
				"mend this line, then: jobfence doctor", "%s",
				failure.text);
		return;
	}
	check_writers(findings, policy.file);
	if (policy.accept == NETWORK_NONE)
		findings_add(findings, FINDING_NOTE, "policy",
			"`run` works all the same; `up` and engines need it",
			"echo 'accept = http' >>" POLICY_FILE
			", and name domains: allow_domain = NAME",
			"%s takes no job of others with a network", policy.file);
	else if (policy.accept == NETWORK_HTTP && !policy.allow_any_domain &&
		 !policy.allowed_domains.count && !policy.default_domains.count)
		findings_add(findings, FINDING_NOTE, "policy",
			"so it takes no job with a domain",
			"add to it: allow_domain = NAME, or *",
			"%s names no domain that jobs may have", policy.file);
	else
		summarize(findings, &policy);
	check_helpers(findings, &policy);
}
