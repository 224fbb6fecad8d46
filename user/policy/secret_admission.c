// SPDX-License-Identifier: BSD-2-Clause
/* See secret_admission.h. */

#include "policy/secret_admission.h"

#include <errno.h>
#include <string.h>

#include "lib/cleanup.h"
#include "policy/signature.h"
#include "policy/violation.h"

static int check_intercepted(
	const struct job_spec *spec, const struct secret *secret, struct failure *failure)
{
	for (size_t i = 0; i < secret->uses.count; i++) {
		const struct declared_domain *host = &secret->uses.list[i].domain;
		char text[DOMAIN_TEXT_SIZE];

		if (domains_cover(&spec->intercept, host))
			continue;
		declared_domain_format(host, text);
		return fail_as(failure, STATUS_USAGE,
			"secret %s is for '%s', whose TLS is not opened; to open it: --intercept '%s'",
			secret->name, text, text);
	}
	return 0;
}

int secrets_settle(struct job_spec *spec, struct failure *failure)
{
	int error = secrets_finish(&spec->secrets, spec->header, failure);

	for (size_t i = 0; !error && i < spec->secrets.count; i++)
		error = check_intercepted(spec, &spec->secrets.list[i], failure);
	return error;
}

static bool reaches(const struct job_spec *spec, const struct declared_domain *host)
{
	return spec->learn || domains_cover(&spec->domains, host);
}

/*
 * Whether a host of a secret is one of the spec that its signer has signed. NULL: nobody
 * has to have signed any.
 */
static bool is_proven(const struct job_spec *proven, const struct declared_domain *host)
{
	return !proven || reaches(proven, host);
}

/*
 * Opens the TLS to those hosts of a secret that the job reaches. Returns how many, or
 * -errno.
 */
static int intercept_hosts(struct job_spec *spec, const struct job_spec *proven,
	const struct secret *secret, struct failure *failure)
{
	int count = 0;

	for (size_t i = 0; i < secret->uses.count; i++) {
		const struct declared_domain *host = &secret->uses.list[i].domain;
		char text[DOMAIN_TEXT_SIZE];

		if (!reaches(spec, host) || !is_proven(proven, host))
			continue;
		declared_domain_format(host, text);
		if (spec_add_intercept(spec, text, failure))
			return -EINVAL;
		count++;
	}
	return count;
}

static int add_copy(struct secrets *secrets, const struct job_spec *proven,
	const struct secret *secret, struct failure *failure)
{
	size_t length = strlen(secret->name);
	struct secret *copy;
	int error = 0;

	if (secrets_find(secrets, secret->name, length))
		return fail_as(failure, STATUS_USAGE,
			"the policy has a secret %s for this job; give yours another name",
			secret->name);
	copy = secrets_new(secrets, secret->name, length, failure);
	if (!copy)
		return -EINVAL;
	*copy = *secret;
	copy->uses = (struct request_rules){};
	for (size_t i = 0; !error && i < secret->uses.count; i++)
		if (is_proven(proven, &secret->uses.list[i].domain))
			error = secret_add_use(copy, secret->uses.list[i].text, failure);
	return error;
}

int secrets_add_granted(struct job_spec *spec, const struct policy *policy,
	const char *text, size_t length, const char *signature, struct failure *failure)
{
	_cleanup_(spec_free) struct job_spec signed_part = {};
	int count = 0, error = signature ? spec_parse(&signed_part, text, length,
						   "that was signed", failure)
					 : 0;

	for (size_t i = 0; !error && i < policy->secrets.count; i++) {
		const struct secret_grant *grant = &policy->secrets.list[i];
		const struct job_spec *proven = grant->signer[0] ? &signed_part : NULL;

		if (!spec_has_labels(spec, grant->labels) ||
			(grant->signer[0] &&
				(!signature || !signature_is_of(policy, text, length,
						       signature, grant->signer))))
			continue;
		count = intercept_hosts(spec, proven, &grant->secret, failure);
		if (count)
			error = count < 0 ? count
					  : add_copy(&spec->secrets, proven, &grant->secret,
						    failure);
	}
	return error ? error : secrets_finish(&spec->secrets, spec->header, failure);
}
