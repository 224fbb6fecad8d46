/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A job and its record. A job is complete once its spec.json exists, which is written
 * last. An incomplete job is a leftover of an interrupted `up` or `down`. The next `up`
 * or `down` of that name removes it.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "jobfence/abi.h"
#include "jobfence/proxy.h"
#include "lib/failure.h"
#include "names/address.h"
#include "node/paths.h"
#include "node/state.h"
#include "policy/spec.h"

/* A job is empty if all its bytes are zero. */
struct job {
	struct job_spec spec;
	struct job_paths paths;
	/* Only the name of the job is known, since its record can't be read. */
	bool unreadable;

	/*
	 * The cgroup of the job's processes, and its id. The id is also the id in
	 * struct job_state.
	 */
	char cgroup[PATH_SIZE];
	uint64_t id;
	/* The network namespace. Empty: the node's. */
	char netns[PATH_SIZE];
	/*
	 * The cookie of that namespace. By now the path may lead to another one. 0: not
	 * known.
	 */
	uint64_t netns_cookie;
	/* jobfence made the cgroup or the namespace, and removes it. */
	bool own_cgroup, own_netns;
	/* The namespace is that of the loader. */
	bool host_netns;
	/* The proxy ends with the last process of the cgroup. */
	bool until_empty;
	/* The job reaches no Unix sockets but its own. */
	bool closed;
	/*
	 * The paths that the view of its commands keeps (policy/share.h). NULL: none.
	 */
	json_t *shares;

	/*
	 * FENCE_ABI and programs (a digest, see node/objects.h) of the version that
	 * built the job.
	 */
	int abi;
	char programs[DIGEST_LENGTH + 1];
	/* The time at which `up` built the job. */
	time_t started;
	/*
	 * The process that owns the job, its start, and its PID namespace (owner.h). 0:
	 * there is none.
	 */
	pid_t owner;
	uint64_t owner_start, owner_namespace;
	/* How long `up` took, in ms. 0: not known. */
	int64_t up_milliseconds;
	/* `run` made the job, so the node's policy needs no opt-in for it. */
	bool by_operator;

	/* The number of connections to the proxy that may be open at once. */
	uint32_t max_connections;
	/* The NAT64 prefixes of the node's network. */
	char nat64[NAT64_TEXT_MAX];
	/* Certificates of sites that the proxy trusts besides the node's. Empty: none. */
	char upstream_ca[PATH_SIZE];
	/* What the operator adds to each refusal. */
	char refusal_text[REFUSAL_TEXT_SIZE];
	/*
	 * The request log, with its older half beside it (.1). Empty: there is none.
	 * "-": standard error of the command that makes the job.
	 */
	char log[PATH_SIZE];
	/* The bytes that it may have, and whether it has the paths of requests. */
	uint32_t log_max;
	bool log_paths;
	/* The pacing in force. */
	enum pacing pacing;
	/* The proxy's cgroup and the supervisor. 0: there is no proxy. */
	uint64_t proxy_id;
	pid_t proxy_pid;
	uint64_t proxy_namespace; /* the PID namespace of that number. 0: not known */
	/*
	 * The addresses on which the proxy and its stub listen. Port 0: there is no
	 * listener.
	 */
	struct endpoint proxy4, proxy6, dns4, dns6;
	/* The resolvers of the proxy, set when it starts. */
	struct endpoint resolvers[RESOLVERS_MAX];
	/* The node names no resolver, so 127.0.0.1 is used. */
	bool resolver_assumed;
};

void job_free(struct job *job);

/*
 * Opens the job's network namespace. Returns a descriptor or -errno. It fails if the
 * path leads to another namespace by now. A path in /proc does so once another process
 * has the number.
 */
int job_open_netns(const struct job *job, struct failure *failure);

/*
 * The job's rates, for the programs or for the proxy, depending on the pacing. The spec has
 * the rate in bits per second, as people write it. From here on it is in bytes.
 */
struct fence_rates job_rates(const struct job *job);

/*
 * Fills in the settings for the programs. Returns 0, or -errno with the failure noted.
 */
int job_setup(const struct job *job, struct fence_setup *setup, struct failure *failure);

/*
 * Reads the job of that name. Returns 0 or -errno. If there is no such job, the status
 * is STATUS_NO_JOB.
 */
int job_read(struct job *job, const char *name, struct failure *failure);

/*
 * Locks the job of that name and reads it. A job of another FENCE_ABI is refused.
 * Returns the descriptor that holds the lock, or -errno. If there is no such job, the
 * status is STATUS_NO_JOB.
 */
int job_read_locked(struct job *job, const char *name, struct failure *failure);

/*
 * Fails with -EPROTO if the job's maps have another layout (FENCE_ABI) than this
 * version's.
 */
int job_check_abi(const struct job *job, struct failure *failure);

/* The job as JSON, as `up --json` prints it. NULL: there is no memory. */
json_t *job_to_json(const struct job *job);

/* The same of a job of which only the name is known. All other fields are null. */
json_t *job_name_to_json(const char *name);

/* Write and read spec.json. Return 0, or -errno with the failure noted. */
int job_record_write(const struct job *job, struct failure *failure);
int job_record_read(struct job *job, struct failure *failure);

/*
 * Write and read the labels alone. `up` writes them first, so that `gc --label` finds
 * an incomplete job. Writing does nothing if there are no labels. Return 0 or -errno.
 */
int job_labels_write(const struct job *job);
int job_labels_read(struct job *job, struct failure *failure);
