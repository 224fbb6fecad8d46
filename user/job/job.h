/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A job and its record. A job is complete once its spec.json is there. That file is written
 * last, so parts of a job without it are what an interrupted `up` or `down` left behind. The
 * next `up` or `down` of that name removes them.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "jobfence/abi.h"
#include "lib/failure.h"
#include "names/address.h"
#include "node/paths.h"
#include "node/state.h"
#include "policy/spec.h"

/* A job that is all zero is empty. */
struct job {
	struct job_spec spec;
	struct job_paths paths;
	/* Only the name of the job is known: its record cannot be read. */
	bool unreadable;

	/* The cgroup of the job's processes, and its id, which is struct job_state's id. */
	char cgroup[PATH_SIZE];
	uint64_t id;
	/* The network namespace. Empty: it is the node's. */
	char netns[PATH_SIZE];
	/* Of that namespace, since another one may have the path by now. 0: not known. */
	uint64_t netns_cookie;
	/* jobfence made the cgroup or the namespace, and removes it. */
	bool own_cgroup, own_netns;
	/* The namespace is that of the loader. */
	bool host_netns;
	/* The proxy ends with the last process of the cgroup. */
	bool until_empty;
	/* The job reaches no Unix sockets but its own. */
	bool closed;
	/* What the view of its commands keeps (policy/share.h). NULL: nothing. */
	json_t *shares;

	/* FENCE_ABI and programs (a digest, see node/objects.h) of the version that built it. */
	int abi;
	char programs[DIGEST_LENGTH + 1];
	/* When `up` built it. */
	time_t started;
	/* `run` made it, so the node's policy needs no opt-in for it. */
	bool by_operator;

	/* How many connections to the proxy may be open at once. */
	uint32_t max_connections;
	/* Prefixes of the node's network. */
	char nat64[NAT64_TEXT_MAX];
	/* The pacing in force. */
	enum pacing pacing;
	/* The proxy's cgroup and the supervisor. 0: there is no proxy. */
	uint64_t proxy_id;
	pid_t proxy_pid;
	/* Where the proxy and its stub listen. Port 0: nowhere. */
	struct endpoint proxy4, proxy6, dns4, dns6;
	/* The resolvers that a proxy asks once it starts. */
	struct endpoint resolvers[RESOLVERS_MAX];
	/* The node names no resolver, so that is 127.0.0.1. */
	bool resolver_assumed;
};

void job_free(struct job *job);

/*
 * Opens the job's network namespace. Returns a descriptor, or -errno. That is an error too
 * where the path leads to another namespace by now, as that of a process does whose number
 * was used again.
 */
int job_open_netns(const struct job *job, struct failure *failure);

/* The job's rates as its pacing has them kept. */
struct fence_rates job_rates(const struct job *job);

/* Fills in what the programs are to be told. Returns 0, or -errno with the failure noted. */
int job_setup(const struct job *job, struct fence_setup *setup, struct failure *failure);

/* Reads the job of that name. Returns 0, or -errno with STATUS_NO_JOB. */
int job_read(struct job *job, const char *name, struct failure *failure);

/*
 * Locks the job of that name and reads it. A job of another FENCE_ABI is refused. Returns the
 * descriptor that holds the lock, or -errno with STATUS_NO_JOB.
 */
int job_read_locked(struct job *job, const char *name, struct failure *failure);

/* Fails with -EPROTO where the job's maps are not as this version knows them. */
int job_check_abi(const struct job *job, struct failure *failure);

/* Whether a job has every label of the object, with the same value. */
bool job_has_labels(const struct job *job, const json_t *labels);

/* A job as JSON, as `up --json` prints it. NULL when there is no memory. */
json_t *job_to_json(const struct job *job);

/* Write and read spec.json. Return 0 or -errno. */
int job_record_write(const struct job *job);
int job_record_read(struct job *job, struct failure *failure);

/*
 * Write and read the labels alone. `up` writes them first, so that `gc --label` finds a job
 * that is not complete. Writing does nothing where there are no labels. Return 0 or -errno.
 */
int job_labels_write(const struct job *job);
int job_labels_read(struct job *job, struct failure *failure);

/* Variables that send programs to the proxy, as pairs that end with a NULL name. */
struct variable {
	const char *name, *value;
};
const struct variable *job_proxy_variables(void);
