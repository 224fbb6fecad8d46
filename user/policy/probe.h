/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The operator's own program that is asked about each job. */

#include "policy/policy.h"
#include "policy/signature.h"

/*
 * Runs the probe, with the spec as JSON on its standard input and in
 * $JOBFENCE_PROBE_DATA. Returns 0 if it accepts the job, or -ENOMEM. Returns -EACCES with
 * the reason if it refuses the job or does not end as it should.
 */
int probe_ask(
	const struct policy *policy, const struct job_spec *spec, char reason[REASON_SIZE]);
