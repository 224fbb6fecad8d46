/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Which TLS the proxy may open, as the policy decides it. */

#include "policy/policy.h"

/* Appends a violation for each domain whose TLS the policy does not let a job open. */
int intercept_check_allowed(
	const struct policy *policy, const struct job_spec *spec, json_t *violations);

/*
 * Adds what the job reaches of its guarded domains to those whose TLS is opened. Returns 0,
 * or -errno with the failure noted.
 */
int intercept_add_guarded(struct job_spec *spec, struct failure *failure);
