/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Whether the node takes a job: the rules of policy.h, the probe, and what trusted keys add. */

#include "policy/policy.h"

struct admission {
	const struct policy *policy;
	struct job_spec *spec;
	/* The operator's own hand (`run`): needs no opt-in, and is held to denied domains and maxima only. */
	bool by_operator;
	bool probed; /* the probe was asked about this already */
	/* What the spec was read from, and the file with its signature; NULL: there is none. */
	const char *signed_text;
	size_t signed_length;
	const char *signature;
};

/* Fills in what the spec leaves to the node, but not the default domains, and settles the rest as spec_finish(). Returns 0,
 * or -errno with STATUS_USAGE. */
int admission_settle(const struct admission *admission, struct failure *failure);

/*
 * Appends an object to `violations` for each rule that refuses the settled spec; without `all` it may stop at the
 * first. It has `setting`, the key of the policy; `value`, what of the job it is about, or null; `reason`, a sentence
 * that says what to set and where.
 *
 * Returns 0, also where the job is refused, or -ENOMEM.
 */
int admission_check(const struct admission *admission, bool all, json_t *violations);

/* Settles the spec, checks it, and adds the node's default, denied and guarded domains. Returns 0, or -errno with STATUS_USAGE or, where the policy
 * refuses the job, with STATUS_POLICY and the first reason. */
int admission_enforce(const struct admission *admission, struct failure *failure);

/*
 * Whether a job that runs may get more: the spec has nothing but the added domains and, where it is given, the new rate;
 * `declared` is all that the job is to have. Returns 0, or -errno as admission_enforce().
 */
int admission_enforce_update(const struct admission *admission,
	const struct domains *declared, struct failure *failure);
