/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A change of a job that runs. It holds for open connections too: a rate from the next packet on, a domain
 * that is no longer allowed ends its connections before they carry another byte.
 */

#include "job/job.h"
#include "policy/policy.h"

/* Whether the proxy traces what it does. */
enum trace_change { TRACE_AS_IT_IS, TRACE_OFF, TRACE_ON };

struct job_change {
	const char *const *add, *const *remove; /* domains as declared, NULL-terminated */
	const char *rate;			/* in tc's notation, NULL: as it is */
	enum trace_change trace;
	const struct policy *policy; /* of the node, that what is added has to keep to */
};

/*
 * Changes the job of that name: `remove` first, then `add`. A removed domain has to be one of those that `show`
 * lists, after it was brought into its canonical form.
 *
 * New domains are added to the map, spec.json is renamed into place, then old ones are removed: at each moment the job
 * has all of its old domains or all of the new, and never more than both. Killed between these, the next update with
 * a domain ends what was begun; entries that bpftool added go then as well.
 *
 * Returns 0, or -errno with the job as it was; STATUS_USAGE where the change makes no sense, STATUS_POLICY,
 * STATUS_NO_JOB.
 */
int job_update(const char *name, const struct job_change *change, struct failure *failure);
