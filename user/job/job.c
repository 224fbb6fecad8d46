// SPDX-License-Identifier: BSD-2-Clause
/*
 * Up and down. The order of `up`: the programs are attached before they know anything, and so refuse
 * everything; then the proxy starts; then the programs are told what the job may do; spec.json comes last.
 * `down` goes the other way. Killed at any point, a job has less network than it was given, never more.
 */

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/wait.h>

#include "job/health.h"
#include "job/job.h"
#include "job/launch.h"
#include "job/place.h"
#include "job/remains.h"
#include "lib/cleanup.h"
#include "lib/files.h"
#include "lib/rate.h"
#include "node/attach.h"
#include "node/cgroup.h"
#include "node/lock.h"
#include "node/maps.h"
#include "node/netns.h"
#include "node/objects.h"
#include "node/state.h"

#define KILL_PATIENCE 10 /* seconds */

void job_free(struct job *job)
{
	spec_free(&job->spec);
	json_decref(job->shares);
}

static int open_cgroup(struct job *job, const char *given, struct failure *failure)
{
	char real[PATH_MAX];
	int error, fd;

	job->own_cgroup = !given;
	if (given && !realpath(given, real))
		return fail(failure, -errno, "cannot open cgroup %s", given);
	if (path_format(job->cgroup, "%s", given ? real : job->paths.work))
		return fail(failure, -ENAMETOOLONG, "cgroup %s", given);
	error = given ? 0 : folder_make(job->cgroup);
	if (error)
		return fail(failure, error, "cannot make cgroup %s", job->cgroup);
	fd = cgroup_open(job->cgroup);
	if (fd == -ENOTDIR)
		return fail_as(
			failure, STATUS_USAGE, "%s is no cgroup of version 2", job->cgroup);
	if (fd < 0)
		return fail(failure, fd, "cannot open cgroup %s", job->cgroup);
	error = cgroup_id(fd, &job->id);
	if (!error)
		return fd;
	close(fd);
	return fail(failure, error, "cannot read the id of cgroup %s", job->cgroup);
}

static int open_proxy_cgroup(struct job *job, struct failure *failure)
{
	int error = folder_make(job->paths.proxy), fd;

	if (error)
		return fail(failure, error, "cannot make cgroup %s", job->paths.proxy);
	fd = cgroup_open(job->paths.proxy);
	if (fd >= 0)
		error = cgroup_id(fd, &job->proxy_id);
	if (fd >= 0 && !error)
		return fd;
	return fail(
		failure, fd < 0 ? fd : error, "cannot open cgroup %s", job->paths.proxy);
}

/* Links are not followed: that of a process's namespace leads to no path. */
static int write_absolute(char absolute[PATH_SIZE], const char *path)
{
	char here[PATH_MAX];

	if (path[0] == '/')
		return path_format(absolute, "%s", path);
	return getcwd(here, sizeof(here)) ? path_format(absolute, "%s/%s", here, path)
					  : -errno;
}

/* The namespace that was named; else one of the job's own, or for a full network the node's. */
static int open_netns(struct job *job, const char *given, struct failure *failure)
{
	bool host = !given && job->spec.network == NETWORK_FULL;
	_fd_ int netns = -1;
	int error;

	job->own_netns = !given && !host;
	if (host)
		given = "/proc/self/ns/net";
	error = write_absolute(job->netns, job->own_netns ? job->paths.netns : given);
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
			netns, job->spec.rate / BITS_PER_BYTE, want_fq, features, failure);
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
		/* Without a network, too: a name that is asked for is refused, and told of. */
		error = file_write(path, job->spec.network == NETWORK_FULL
						 ? ""
						 : "nameserver " PROXY_ADDRESS4 "\n");
	return error ? fail(failure, error, "cannot write %s", path) : 0;
}

/* The lock of the node keeps two jobs from getting the same cgroup of others, of which the state of a first would be cleared. */
static int attach_in_place(const struct job *job, const struct placement *where,
	const struct job_maps *maps, int cgroup, int proxy_cgroup, struct failure *failure)
{
	_fd_ int lock = job->own_cgroup ? -1 : node_lock(failure);
	int error;

	if (!job->own_cgroup && lock < 0)
		return lock;
	error = job->own_cgroup
			? 0
			: place_check(job->cgroup, cgroup, where->container, failure);
	if (error)
		return error;
	/* An adopted cgroup may still have the storage of an earlier job. */
	error = state_clear(maps, job->id, 0);
	return error ? fail(failure, error, "cannot clear the job's state")
		     : attach_job(&job->paths, cgroup, proxy_cgroup, failure);
}

static int build(struct job *job, const struct placement *where, struct failure *failure)
{
	_cleanup_(job_maps_close) struct job_maps maps = JOB_MAPS_NONE;
	bool has_proxy = job->spec.network == NETWORK_HTTP;
	_fd_ int cgroup = -1, proxy_cgroup = -1, netns = -1;
	struct netns_features features = {};
	int error = folder_make(job->paths.run);

	if (error)
		return fail(failure, error, "cannot make %s", job->paths.run);
	job->until_empty = where->until_empty;
	job->closed = where->closed && !job->shares;
	cgroup = open_cgroup(job, where->cgroup, failure);
	if (cgroup < 0)
		return cgroup;
	proxy_cgroup = has_proxy ? open_proxy_cgroup(job, failure) : -1;
	if (has_proxy && proxy_cgroup < 0)
		return proxy_cgroup;
	error = job_maps_make(&job->paths, &job->spec, &maps, failure);
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
		error = has_proxy ? proxy_start(job, proxy_cgroup, netns, features.ipv6,
					    &maps, failure)
				  : state_write(job, &maps, failure);
	if (error)
		return error;
	job->abi = FENCE_ABI;
	snprintf(job->programs, sizeof(job->programs), "%s", objects_digest());
	job->started = time(NULL);
	error = job_record_write(job);
	return error ? fail(failure, error, "cannot write %s/spec.json", job->paths.run)
		     : 0;
}

int job_up_locked(struct job *job, const struct placement *where, struct failure *failure)
{
	struct failure ignored;
	int error = job_paths(job->spec.name, &job->paths, failure);

	if (error)
		return error;
	if (job_is_complete(&job->paths))
		return fail_as(failure, STATUS_EXISTS,
			"there is a job %s already; end it: jobfence down %s",
			job->spec.name, job->spec.name);
	error = remains_are_idle(&job->paths, failure);
	if (!error)
		error = remains_remove(&job->paths, failure);
	if (!error)
		error = objects_ensure(failure);
	if (error)
		return error;
	error = build(job, where, failure);
	if (error) {
		remains_remove(&job->paths, &ignored);
		/* The proxy is a child of ours: not to leave a zombie to a long-lived caller. */
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

/* Whether processes in the cgroup with that id would be without the fence that they are in. Returns 1, 0 or -errno. */
static int holds_others(uint64_t id)
{
	int populated = cgroup_is_populated(id);
	_fd_ int cgroup = -1;

	if (populated <= 0 || place_is_mistaken(id))
		return populated < 0 ? populated : 0;
	cgroup = cgroup_open_id(id);
	if (cgroup < 0)
		return cgroup == -ESTALE ? 0 : cgroup;
	return attach_is_there(cgroup);
}

/* Ends what runs in the job, then tells the programs to refuse everything, should anything be left. */
static int end_processes(const struct job *job, struct failure *failure)
{
	_cleanup_(job_maps_close) struct job_maps maps = JOB_MAPS_NONE;
	/* Our own, too, may be out of sight, in another cgroup namespace: it can't be killed from here. */
	bool at_hand = job->own_cgroup && cgroup_is_at(job->cgroup, job->id);
	int error = at_hand ? 0 : holds_others(job->id);

	if (error > 0)
		return fail(failure, -EBUSY,
			"%s still has processes, which would be without a fence; end them first",
			job->cgroup);
	if (error)
		return fail(failure, error, "cannot see who is in cgroup %s", job->cgroup);
	error = job_maps_open(&job->paths, &maps);
	if (error)
		return error == -ENOENT
			       ? 0
			       : fail(failure, error, "cannot open the job's maps");
	/* Where there is no room for the mark the job is ended all the same: it only tells of an interruption. */
	(void)job_mark_ending(job);
	error = cgroup_kill(job->paths.cgroup, KILL_PATIENCE);
	if (error)
		return fail(failure, error, "cannot end the processes in %s",
			job->paths.cgroup);
	error = state_clear(&maps, job->id, job->proxy_id);
	return error ? fail(failure, error, "cannot clear the job's state") : 0;
}

int job_down_locked(struct job *job, struct failure *failure)
{
	struct failure ignored;
	int error = job_paths(job->spec.name, &job->paths, failure);

	if (error)
		return error;
	if (!job_is_anywhere(&job->paths))
		return fail_as(
			failure, STATUS_NO_JOB, "there is no job %s", job->spec.name);
	/* A record that can't be read tells no more than one that is not there. */
	error = job_record_read(job, &ignored) ? remains_fence_nobody(&job->paths, failure)
					       : end_processes(job, failure);
	return error ? error : remains_remove(&job->paths, failure);
}

int job_down(const char *name, struct failure *failure)
{
	_cleanup_(job_free) struct job job = {};
	_fd_ int lock = -1;
	int error = spec_set_name(&job.spec, name, failure);
	if (error)
		return error;
	lock = job_lock(job.spec.name, failure);
	return lock < 0 ? lock : job_down_locked(&job, failure);
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

bool job_has_labels(const struct job *job, const json_t *labels)
{
	const json_t *value;
	const char *key;

	json_object_foreach ((json_t *)labels, key, value)
		if (!json_equal(json_object_get(job->spec.labels, key), value))
			return false;
	return true;
}
