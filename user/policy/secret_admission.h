/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Which secrets a job gets. */

#include "policy/policy.h"

/*
 * Settles the secrets of a job whose other fields are settled. The proxy has to open the
 * TLS to each of their hosts, since a secret is never sent otherwise. Returns 0, or -errno
 * with the failure noted.
 */
int secrets_settle(struct job_spec *spec, struct failure *failure);

/*
 * Adds the secrets that the policy has for a job which it has accepted, and has the proxy
 * open the TLS to their hosts. One whose hosts the job does not reach is left out.
 * `signature` is the file with the signature of the spec's text, or NULL. A secret with a
 * signer is for hosts of that text alone, and not for those of options beside it. Returns
 * 0, or -errno with the failure noted.
 */
int secrets_add_granted(struct job_spec *spec, const struct policy *policy,
	const char *text, size_t length, const char *signature, struct failure *failure);
