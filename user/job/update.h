/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A change of a running job. It holds for open connections too. A new rate holds from
 * the next packet on. A connection to a removed domain ends before it carries another
 * byte.
 */

#include "job/job.h"
#include "policy/policy.h"

/* Whether to switch the trace of the proxy. */
enum trace_change { TRACE_AS_IT_IS, TRACE_OFF, TRACE_ON };

struct job_change {
	const char *const *add, *const *remove; /* domains as declared, NULL-terminated */
	const char *const *secrets; /* with their sources (secret.h), NULL-terminated */
	const char *rate;	    /* in tc's notation, NULL: no change */
	enum trace_change trace;
	const struct policy *policy; /* the node's policy, which additions have to meet */
};

/*
 * Changes the job of that name, `remove` first, then `add`. A removed domain has to be
 * in the list of `show`, once it is in canonical form.
 *
 * Domains change in this order:
 *
 * - New domains are added to the map.
 * - spec.json is renamed into place.
 * - Old domains are removed from the map.
 *
 * At each moment the job has all of its old domains or all of its new ones, and never
 * more than both. If a command is killed in between, the next update with a domain
 * finishes the change. That update also removes entries that bpftool added.
 *
 * Returns 0, or -errno with the job unchanged. The status is STATUS_USAGE if the change
 * makes no sense. It is STATUS_POLICY if the policy refuses it, and STATUS_NO_JOB if
 * there is no such job.
 */
int job_update(const char *name, const struct job_change *change, struct failure *failure);
