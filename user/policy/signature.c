// SPDX-License-Identifier: BSD-2-Clause
/* See signature.h. Only domains in the signed bytes are granted, not those of options. */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"
#include "policy/helper.h"
#include "policy/signature.h"

#define TIMEOUT 10 /* seconds */

static int refuse(char reason[REASON_SIZE], const char *text, const char *detail)
{
	snprintf(reason, REASON_SIZE, text, detail);
	return -EACCES;
}

/*
 * Asks ssh-keygen whether a key of that name made the signature. Returns its status or
 * -errno.
 */
static int verify(const struct policy *policy, const char *signer, const char *text,
	size_t length, const char *signature)
{
	const char *const arguments[] = { SIGNATURE_PROGRAM, "-Y", "verify", "-f",
		policy->trusted_keys, "-I", signer, "-n", SIGNATURE_NAMESPACE, "-s",
		signature, NULL };
	const char *const environment[] = { NULL };
	const struct helper helper = { .arguments = arguments,
		.environment = environment,
		.input = text,
		.length = length,
		.timeout = TIMEOUT };
	char words[HELPER_WORDS_MAX];

	return helper_run(&helper, words);
}

static int grant(
	const struct domains *named, const struct domains *allowed, struct domains *granted)
{
	int error = 0;

	for (size_t i = 0; !error && i < named->count; i++) {
		struct domains one = { .list = &named->list[i], .count = 1 };

		if (domains_cover(allowed, &named->list[i]))
			error = domains_add_set(granted, &one, NULL);
	}
	return error;
}

void signed_spec_free(struct signed_spec *granted)
{
	domains_free(&granted->domains);
	request_rules_free(&granted->rules);
}

int signature_grant(const struct policy *policy, const char *text, size_t length,
	const char *signature, struct signed_spec *granted, char reason[REASON_SIZE])
{
	_cleanup_(spec_free) struct job_spec spec = {};
	struct failure ignored;
	char path[PATH_MAX];
	bool trusted = false;

	if (!policy->trusted_keys[0])
		return refuse(reason,
			"the node trusts no keys; to trust some, set trusted_keys in %s",
			policy_where(policy, "trusted_keys"));
	if (!realpath(signature, path))
		return refuse(reason, "cannot read the signature: %s", strerror(errno));
	if (spec_parse(&spec, text, length, "that was signed", &ignored))
		return refuse(reason, "%s", ignored.text);
	for (size_t i = 0; i < policy->signer_count; i++) {
		int status = verify(policy, policy->signers[i].name, text, length, path);

		if (status < 0)
			return refuse(reason, "cannot run " SIGNATURE_PROGRAM ": %s",
				strerror(-status));
		if (!status && grant(&spec.domains, &policy->signers[i].allowed,
				       &granted->domains))
			return -ENOMEM;
		trusted |= !status;
	}
	granted->rules = TAKE(spec.rules, (struct request_rules){});
	return trusted ? 0
		       : refuse(reason,
				 "the signature is not one of this spec by a key in trusted_keys "
				 "whose name has a section [signer NAME] in %s",
				 policy_where(policy, "trusted_keys"));
}

bool signature_is_of(const struct policy *policy, const char *text, size_t length,
	const char *signature, const char *signer)
{
	char path[PATH_MAX];

	return policy->trusted_keys[0] && realpath(signature, path) &&
	       !verify(policy, signer, text, length, path);
}
