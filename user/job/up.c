// SPDX-License-Identifier: BSD-2-Clause
/*
 * If `up` is killed at any point, the job has less network than it was given, never
 * more. The order is:
 *
 * - The labels are written, for `gc --label`.
 * - The programs are attached. They have no settings yet, so they refuse everything.
 * - The proxy starts, and the programs are told what the job may do.
 * - spec.json is written.
 */

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/wait.h>

#include "job/launch.h"
#include "job/news.h"
#include "job/owner.h"
#include "job/place.h"
#include "job/remains.h"
#include "job/request_log.h"
#include "job/up.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/files.h"
#include "node/attach.h"
#include "node/cgroup.h"
#include "node/lock.h"
#include "node/maps.h"
#include "node/netns.h"
#include "node/objects.h"
#include "node/slice.h"
#include "node/state.h"

/* Takes the cgroup at the path `given`, or makes one of jobfence's own. */
static int name_cgroup(struct job *job, const char *given, struct failure *failure)
{
	int error = path_format(job->cgroup, "%s", given ? given : job->paths.work);

	if (error)
		return fail(failure, error, "cgroup %s", given);
	error = given ? 0 : folder_make(job->cgroup);
	return error ? fail(failure, error, "cannot make cgroup %s", job->cgroup) : 0;
}

static int open_cgroup(struct job *job, const char *given, struct failure *failure)
{
	char real[PATH_MAX];
	_fd_ int fd = -1;
	int error;

	job->own_cgroup = !given;
	if (given && !realpath(given, real))
		return fail(failure, -errno, "cannot open cgroup %s", given);
	if (!given && job->spec.slice)
		error = slice_make(&job->paths, job->cgroup, failure);
	else
		error = name_cgroup(job, given ? real : NULL, failure);
	if (error)
		return error;
	fd = cgroup_open(job->cgroup);
	if (fd == -ENOTDIR)
		return fail_as(
			failure, STATUS_USAGE, "%s is no cgroup of version 2", job->cgroup);
	if (fd < 0)
		return fail(failure, fd, "cannot open cgroup %s", job->cgroup);
	error = cgroup_id(fd, &job->id);
	return error ? fail(failure, error, "cannot read the id of cgroup %s", job->cgroup)
		     : TAKE_FD(fd);
}

static int open_proxy_cgroup(struct job *job, struct failure *failure)
{
	int error = folder_make(job->paths.proxy);
	_fd_ int fd = -1;

	if (error)
		return fail(failure, error, "cannot make cgroup %s", job->paths.proxy);
	fd = cgroup_open(job->paths.proxy);
	error = fd < 0 ? fd : cgroup_id(fd, &job->proxy_id);
	return error ? fail(failure, error, "cannot open cgroup %s", job->paths.proxy)
		     : TAKE_FD(fd);
}

/*
 * Opens the namespace that was named. Otherwise it makes one for the job, or opens the
 * node's for a full network.
 */
static int open_netns(struct job *job, const char *given, struct failure *failure)
{
	bool host = !given && job->spec.network == NETWORK_FULL;
	_fd_ int netns = -1;
	int error;

	job->own_netns = !given && !host;
	if (host)
		given = "/proc/self/ns/net";
	error = path_absolute(job->netns, job->own_netns ? job->paths.netns : given);
	if (error)
		return fail(failure, error, "network namespace %s", given);
	netns = job->own_netns ? netns_make(job->netns, failure)
			       : netns_open(job->netns, failure);
	if (netns < 0)
		return netns;
	error = netns_cookie(netns, &job->netns_cookie);
	if (error)
		return fail(failure, error, "cannot tell network namespaces apart");
	job->host_netns = netns_is_current(netns);
	if (job->host_netns)
		job->netns[0] = '\0';
	return TAKE_FD(netns);
}

static int choose_pacing(
	struct job *job, const struct netns_features *features, struct failure *failure)
{
	if (!job->spec.rate || job->spec.network != NETWORK_HTTP)
		job->pacing = PACING_NONE;
	else if (features->fq)
		job->pacing = PACING_EDT;
	else if (job->spec.pacing == PACING_EDT)
		return fail_as(failure, STATUS_FAILED,
			"pacing edt needs the queueing discipline fq on `lo`%s; use --pacing auto",
			job->host_netns ? ", which is not ours to change: tc qdisc replace "
					  "dev lo root fq"
					: " (module sch_fq), which this kernel has not");
	else
		job->pacing = PACING_PROXY;
	return 0;
}

static int prepare_netns(struct job *job, int netns, struct netns_features *features,
	struct failure *failure)
{
	bool want_fq = job->spec.network == NETWORK_HTTP && job->spec.rate &&
		       job->spec.pacing != PACING_PROXY;
	int error;

	if (job->host_netns) {
		features->ipv6 = file_exists("/proc/net/if_inet6");
		features->fq = want_fq && loopback_has_fq();
	} else if (job->spec.network != NETWORK_FULL) {
		error = netns_prepare(
			netns, job_rates(job).rate, want_fq, features, failure);
		if (error)
			return error;
	}
	return choose_pacing(job, features, failure);
}

static int write_resolv_conf(const struct job *job, struct failure *failure)
{
	char path[PATH_SIZE];
	int error = path_format(path, "%s/resolv.conf", job->paths.run);

	if (!error)
		/*
		 * A job without a network gets it too. Its lookups are then refused and
		 * counted.
		 */
		error = file_write(path, job->spec.network == NETWORK_FULL
						 ? ""
						 : "nameserver " PROXY_ADDRESS4 "\n");
	return error ? fail(failure, error, "cannot write %s", path) : 0;
}

/*
 * Two jobs must not get the same cgroup of others, since the state of the first job
 * would be cleared. The node's lock prevents that.
 */
static int attach_in_place(const struct job *job, const struct placement *where,
	const struct job_maps *maps, int cgroup, int proxy_cgroup, struct failure *failure)
{
	/* Others may put processes into a slice as soon as it is there. */
	const bool alone = job->own_cgroup && !job->spec.slice;
	_fd_ int lock = alone ? -1 : node_lock(failure);
	int error;

	if (!alone && lock < 0)
		return lock;
	error = alone ? 0 : place_check(job->cgroup, cgroup, where->container, failure);
	if (error)
		return error;
	/* A cgroup of others may still have the storage of an earlier job. */
	error = state_clear(maps, job->id, 0);
	return error ? fail(failure, error, "cannot clear the job's state")
		     : attach_job(&job->paths, cgroup, proxy_cgroup, failure);
}

/* Tells the programs what the job may do. If there is a proxy, it is started first. */
static int put_in_force(struct job *job, int proxy_cgroup, int netns, bool ipv6,
	const struct job_maps *maps, struct failure *failure)
{
	struct fence_setup setup;
	int error;

	if (proxy_cgroup >= 0)
		return proxy_start(job, proxy_cgroup, netns, ipv6, maps, failure);
	error = job_setup(job, &setup, failure);
	return error ? error : state_write(&setup, maps, failure);
}

/* Completes the job, whose fence stands. The record is the last step of an `up`. */
static int finish(struct job *job, int64_t began, struct failure *failure)
{
	int error;

	job->abi = FENCE_ABI;
	snprintf(job->programs, sizeof(job->programs), "%s", objects_digest());
	job->started = time(NULL);
	request_log_forget(job);
	job->up_milliseconds = clock_ms(CLOCK_MONOTONIC) - began;
	news_tell(job, EVENT_STARTED, NULL, NULL);
	error = job_record_write(job, failure);
	if (error)
		news_tell(job, EVENT_ENDED, NULL, NULL);
	return error;
}

static int build(struct job *job, const struct placement *where, int64_t began,
	struct failure *failure)
{
	_cleanup_(job_maps_close) struct job_maps maps = JOB_MAPS_NONE;
	bool has_proxy = job->spec.network == NETWORK_HTTP;
	_fd_ int cgroup = -1, proxy_cgroup = -1, netns = -1;
	struct netns_features features = {};
	const struct map_contents contents = { .domains = &job->spec.domains,
		.denied = &job->spec.denied,
		.learns = job->spec.learn };
	int error = folder_make(job->paths.run);

	if (error)
		return fail(failure, error, "cannot make %s", job->paths.run);
	error = job_labels_write(job);
	if (error)
		return fail(failure, error, "cannot write %s/labels.json", job->paths.run);
	job->until_empty = where->until_empty;
	job->closed = where->closed && !job->shares;
	cgroup = open_cgroup(job, where->cgroup, failure);
	if (cgroup < 0)
		return cgroup;
	proxy_cgroup = has_proxy ? open_proxy_cgroup(job, failure) : -1;
	if (has_proxy && proxy_cgroup < 0)
		return proxy_cgroup;
	error = job_maps_make(&job->paths, &contents, &maps, failure);
	if (!error)
		error = attach_in_place(job, where, &maps, cgroup, proxy_cgroup, failure);
	if (error)
		return error;
	netns = open_netns(job, where->netns, failure);
	if (netns < 0)
		return netns;
	error = prepare_netns(job, netns, &features, failure);
	if (!error)
		error = write_resolv_conf(job, failure);
	if (!error)
		error = put_in_force(
			job, proxy_cgroup, netns, features.ipv6, &maps, failure);
	if (error)
		return error;
	return finish(job, began, failure);
}

int job_up_locked(struct job *job, const struct placement *where, struct failure *failure)
{
	const int64_t began = clock_ms(CLOCK_MONOTONIC);
	struct failure ignored;
	int error = job_paths(job->spec.name, &job->paths, failure);

	if (error)
		return error;
	if (job_is_complete(&job->paths))
		return fail_as(failure, STATUS_EXISTS,
			"there is a job %s already; end it: jobfence down %s",
			job->spec.name, job->spec.name);
	error = remains_check_idle(&job->paths, failure);
	if (!error)
		error = job_note_owner(job, failure);
	if (!error)
		error = remains_remove(&job->paths, failure);
	if (!error)
		error = objects_ensure(failure);
	if (error)
		return error;
	error = build(job, where, began, failure);
	if (error) {
		remains_remove(&job->paths, &ignored);
		/*
		 * The proxy is a child of ours. It is reaped so that a long-lived
		 * caller has no zombie.
		 */
		if (job->proxy_pid > 0)
			waitpid(job->proxy_pid, NULL, WNOHANG);
	}
	return error;
}

int job_up(struct job *job, const struct placement *where, struct failure *failure)
{
	_fd_ int lock = job_lock(job->spec.name, failure);

	return lock < 0 ? lock : job_up_locked(job, where, failure);
}
