// SPDX-License-Identifier: BSD-2-Clause
/* See admit.h. */

#include <errno.h>
#include <string.h>

#include "job/admit.h"
#include "job/request_log.h"
#include "lib/cleanup.h"

static int keep_shares(struct job *job, json_t *shares, struct failure *failure)
{
	if (!job->shares)
		job->shares = json_incref(shares);
	else if (shares && json_array_extend(job->shares, shares))
		return fail(failure, -ENOMEM, "shares");
	return 0;
}

int job_admit(struct job *job, struct admission *admission, const char *file,
	struct failure *failure)
{
	_cleanup_(policy_free) struct policy policy = {};
	int error = policy_load(&policy, file, failure);

	admission->policy = &policy;
	admission->by_operator = job->by_operator;
	if (!error)
		error = admission_enforce(admission, failure);
	admission->policy = NULL;
	if (error)
		return error;
	job->max_connections = policy.max_connections;
	memcpy(job->nat64, policy.nat64_prefixes, sizeof(job->nat64));
	memcpy(job->upstream_ca, policy.upstream_ca, sizeof(job->upstream_ca));
	memcpy(job->refusal_text, policy.refusal_text, sizeof(job->refusal_text));
	error = request_log_choose(job, admission->spec, &policy, failure);
	return error ? error : keep_shares(job, policy.shares, failure);
}
