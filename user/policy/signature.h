/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Specs signed with `ssh-keygen -Y sign -n jobfence`. */

#include "policy/policy.h"

#define SIGNATURE_NAMESPACE "jobfence"
#define REASON_SIZE	    512

/*
 * Verifies the signature in the file `signature` of the text of a spec, with `ssh-keygen -Y verify`, for each signer of the
 * policy. `granted` receives those of the spec's domains that the lists of the signers cover by whom it is.
 *
 * Returns 0; -EACCES with why it is not to be trusted in `reason`, or -ENOMEM.
 */
int signature_grant(const struct policy *policy, const char *text, size_t length,
	const char *signature, struct domains *granted, char reason[REASON_SIZE]);
