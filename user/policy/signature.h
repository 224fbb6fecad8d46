/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Specs signed with `ssh-keygen -Y sign -n jobfence`. */

#include "policy/policy.h"

#define SIGNATURE_NAMESPACE "jobfence"
#define SIGNATURE_PROGRAM   "/usr/bin/ssh-keygen"
#define REASON_SIZE	    1024

/* What of a spec was signed. Empty if all its bytes are zero. */
struct signed_spec {
	struct domains domains; /* those that its signers may grant */
	struct request_rules rules;
};

void signed_spec_free(struct signed_spec *granted);

/*
 * Verifies the signature, in the file `signature`, of the text of a spec. `ssh-keygen -Y
 * verify` is asked for each signer of the policy. `granted` receives the rules of the
 * spec, and those of its domains that are in the lists of the signers who signed it. A
 * preset of the spec counts with the domains and rules that it has on this node.
 *
 * Returns 0, or -ENOMEM. Returns -EACCES with a `reason` if the signature is not to be
 * trusted.
 */
int signature_grant(const struct policy *policy, const char *text, size_t length,
	const char *signature, struct signed_spec *granted, char reason[REASON_SIZE]);

/* Whether a key of that name made the signature. */
bool signature_is_of(const struct policy *policy, const char *text, size_t length,
	const char *signature, const char *signer);
