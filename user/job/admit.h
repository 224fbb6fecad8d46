/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Checks a new job against the node's policy. */

#include "job/job.h"
#include "policy/admission.h"

/*
 * Reads the policy that begins with `file` (policy_load()), and checks `admission` against
 * it. This settles the spec, and the node adds to it. `job` says whether `run` makes the
 * job. It keeps the number of connections, the NAT64 prefixes, the certificates of
 * `upstream_ca`, the words of refusals and the shares of the policy, the shares beside its
 * own. It also gets the place and the size of its request log.
 *
 * Returns 0, or -errno as policy_load() and admission_enforce().
 */
int job_admit(struct job *job, struct admission *admission, const char *file,
	struct failure *failure);
