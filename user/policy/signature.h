/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Specs signed with `ssh-keygen -Y sign -n jobfence`. */

#include "policy/policy.h"

#define SIGNATURE_NAMESPACE "jobfence"
#define REASON_SIZE	    1024

/*
 * Verifies the signature, in the file `signature`, of the text of a spec. `ssh-keygen -Y
 * verify` is asked for each signer of the policy. `granted` receives the domains of the
 * spec that are in the lists of the signers who signed it.
 *
 * Returns 0, or -ENOMEM. Returns -EACCES with a `reason` if the signature is not to be
 * trusted.
 */
int signature_grant(const struct policy *policy, const char *text, size_t length,
	const char *signature, struct domains *granted, char reason[REASON_SIZE]);
