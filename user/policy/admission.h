/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Whether the node takes a job: the rules of policy.h, the probe, and the rights that
 * trusted keys add.
 */

#include "policy/policy.h"

struct admission {
	const struct policy *policy;
	struct job_spec *spec;
	/*
	 * The job is of `run`, so of the operator: it needs no opt-in, and only denied
	 * domains and maxima hold.
	 */
	bool by_operator;
	bool probed; /* the probe has judged this already */
	/* The text of the spec, and the file with its signature. NULL: there is none. */
	const char *signed_text;
	size_t signed_length;
	const char *signature;
};

/*
 * Fills in the fields that the spec leaves to the node, and settles the rest as
 * spec_finish() does. The default domains are not added here. Returns 0, or -errno with
 * STATUS_USAGE.
 */
int admission_settle(const struct admission *admission, struct failure *failure);

/*
 * Appends an object to `violations` for each rule that refuses the settled spec. Without
 * `all` it may stop at the first. The object has `setting`, a key of the policy; `value`,
 * the value of the job that is refused, or null; `reason`, a sentence that says what to
 * set, and where; and `next`, the part of it that says so, or null.
 *
 * Returns 0, also if the job is refused, or -ENOMEM.
 */
int admission_check(const struct admission *admission, bool all, json_t *violations);

/*
 * Settles the spec, checks it, and adds what the node has for the job: its default, denied
 * and guarded domains, rules and secrets.
 * Returns 0, or -errno with STATUS_USAGE. If the policy refuses the job, the status is
 * STATUS_POLICY and the failure has the first reason.
 */
int admission_enforce(const struct admission *admission, struct failure *failure);

/*
 * Whether a running job may get more. The spec holds only the added domains and the new
 * rate, if there is one. `job` is the job as it will be. What it keeps from its beginning
 * has to hold what the policy says of the added domains: rules, guards and the header.
 * Returns 0, or -errno as admission_enforce().
 */
int admission_enforce_update(const struct admission *admission, const struct job_spec *job,
	struct failure *failure);
