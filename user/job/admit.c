// SPDX-License-Identifier: BSD-2-Clause
/* See admit.h. */

#include <string.h>

#include "job/admit.h"

int job_admit(struct job *job, struct admission *admission, const char *file,
	struct policy *policy, struct failure *failure)
{
	int error = policy_load(policy, file, failure);

	admission->policy = policy;
	admission->by_operator = job->by_operator;
	if (!error)
		error = admission_enforce(admission, failure);
	if (error)
		return error;
	job->max_connections = policy->max_connections;
	memcpy(job->nat64, policy->nat64_prefixes, sizeof(job->nat64));
	return 0;
}
