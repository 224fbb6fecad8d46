// SPDX-License-Identifier: BSD-2-Clause
/* Basic functions on a job. record.c reads and writes its record. */

#include <errno.h>
#include <string.h>

#include "job/job.h"
#include "lib/cleanup.h"
#include "lib/rate.h"
#include "names/address.h"
#include "node/lock.h"
#include "node/netns.h"

void job_free(struct job *job)
{
	spec_free(&job->spec);
	json_decref(job->shares);
}

int job_open_netns(const struct job *job, struct failure *failure)
{
	const char *path = job->netns[0] ? job->netns : "/proc/thread-self/ns/net";
	_fd_ int netns = netns_open(path, failure);
	uint64_t cookie;
	int error = netns < 0 ? netns : netns_cookie(netns, &cookie);

	if (netns < 0)
		return netns;
	if (error)
		return fail(failure, error, "cannot tell network namespaces apart");
	if (job->netns_cookie && cookie != job->netns_cookie)
		return fail_as(failure, STATUS_FAILED,
			"%s is not the network namespace of job %s", path, job->spec.name);
	return TAKE_FD(netns);
}

struct fence_rates job_rates(const struct job *job)
{
	uint64_t rate = job->spec.rate / BITS_PER_BYTE;

	return (struct fence_rates){ .rate = rate,
		.kernel = job->pacing == PACING_EDT ? rate : 0,
		.proxy = job->pacing == PACING_PROXY ? rate : 0 };
}

int job_setup(const struct job *job, struct fence_setup *setup, struct failure *failure)
{
	*setup = (struct fence_setup){
		.id = job->id,
		.proxy_id = job->proxy_id,
		.network = job->spec.network,
		.flags = (job->host_netns ? 0 : JOB_OWN_NETNS) |
			 (job->closed ? JOB_CLOSED : 0),
		.rates = job_rates(job),
		.proxy4 = job->proxy4,
		.proxy6 = job->proxy6,
		.dns4 = job->dns4,
		.dns6 = job->dns6,
		.allowed_count = job->spec.allowed_count,
	};
	memcpy(setup->resolvers, job->resolvers, sizeof(setup->resolvers));
	memcpy(setup->allowed, job->spec.allowed, sizeof(setup->allowed));
	if (nat64_parse(job->nat64, setup->nat64))
		return fail(failure, -EPROTO, "NAT64 prefixes of job %s", job->spec.name);
	return 0;
}

int job_read(struct job *job, const char *name, struct failure *failure)
{
	int error = spec_set_name(&job->spec, name, failure);

	if (!error)
		error = job_paths(job->spec.name, &job->paths, failure);
	return error ? error : job_record_read(job, failure);
}

int job_read_locked(struct job *job, const char *name, struct failure *failure)
{
	int error = spec_set_name(&job->spec, name, failure);
	_fd_ int lock = error ? error : job_lock(job->spec.name, failure);

	if (lock < 0)
		return lock;
	error = job_read(job, name, failure);
	if (!error)
		error = job_check_abi(job, failure);
	return error ? error : TAKE_FD(lock);
}

int job_check_abi(const struct job *job, struct failure *failure)
{
	if (job->abi == FENCE_ABI)
		return 0;
	return fail(failure, -EPROTO,
		"job %s was built by a version of jobfence with other maps; use that one (%s), or end "
		"the job: jobfence down %s",
		job->spec.name, job->programs, job->spec.name);
}
