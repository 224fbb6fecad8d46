/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The program of an operator's own that is asked about each job. */

#include "policy/policy.h"
#include "policy/signature.h"

/* Runs the probe, with the spec as JSON on its standard input and in $JOBFENCE_PROBE_DATA. Returns 0 where it accepts the
 * job; -EACCES with the reason where it refuses or does not end as it should, or -ENOMEM. */
int probe_ask(
	const struct policy *policy, const struct job_spec *spec, char reason[REASON_SIZE]);
