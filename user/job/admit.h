/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Checks a new job against the node's policy. */

#include "job/job.h"
#include "policy/admission.h"

/*
 * Reads the policy that begins with `file` (policy_load()), and checks `admission` against
 * it. This settles the spec, and the node adds to it. `job` says whether `run` makes the
 * job, and keeps the number of connections and the NAT64 prefixes of the policy.
 *
 * Returns 0, or -errno as policy_load() and admission_enforce(). policy_free() is due in
 * either case.
 */
int job_admit(struct job *job, struct admission *admission, const char *file,
	struct policy *policy, struct failure *failure);
