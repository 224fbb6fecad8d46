/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A job's life. It is there once its spec.json is: that file is written last, and what stands
 * without it is what an interrupted `up` or `down` left behind; the next one of that name removes it.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "jobfence/abi.h"
#include "lib/failure.h"
#include "names/address.h"
#include "node/paths.h"
#include "policy/spec.h"

/* What others made and the job is to live in; NULL: the job gets one of its own. */
struct placement {
	const char *cgroup;
	const char *netns;
	pid_t container; /* the cgroup may hold no processes but those of the container whose first one this is; 0: any */
	bool until_empty; /* the proxy ends with the last process of the cgroup, which has one now */
	bool closed; /* all of its processes are commands of ours */
};

/* One that is all zero is empty. */
struct job {
	struct job_spec spec;
	struct job_paths paths;
	char cgroup[PATH_SIZE]; /* the job's processes belong there */
	char netns[PATH_SIZE];
	uint64_t
		netns_cookie; /* of the namespace, whoever has that path by now; 0: not known */
	bool own_cgroup, own_netns; /* made by us, so removed by us */
	bool host_netns;	    /* the namespace that the loader is in */
	bool until_empty;	    /* as in struct placement */
	bool closed;		    /* reaches no Unix sockets but its own */
	json_t *shares;		    /* what its view keeps (share.h); NULL: nothing */
	bool unreadable;	    /* its record is: nothing but its name is known */
	uint64_t id;		    /* of `cgroup`; struct job_state's id */
	uint64_t proxy_id;	    /* of the proxy's cgroup, 0: no proxy */
	int abi;		    /* FENCE_ABI of who built it */
	char programs[DIGEST_LENGTH +
		      1]; /* of which version, as a folder of pins is named */
	time_t started;	  /* when `up` built it */
	bool by_operator; /* made by `run`: the node's policy needs no opt-in for it */
	uint32_t max_connections;		    /* to the proxy at once */
	char nat64[NAT64_TEXT_MAX];		    /* prefixes of the node's network */
	enum pacing pacing;			    /* in force */
	pid_t proxy_pid;			    /* the supervisor, 0: no proxy */
	struct endpoint proxy4, proxy6, dns4, dns6; /* that are listened on; port 0: none */
	struct endpoint resolvers[RESOLVERS_MAX];   /* that a proxy which starts will ask */
	bool resolver_assumed; /* the node names none: 127.0.0.1 is asked */
};

void job_free(struct job *job);

/* Builds the fence of job->spec and fills in the rest of `job`: all or nothing. Returns 0, or -errno with
 * STATUS_EXISTS where there is a job of that name. */
int job_up(struct job *job, const struct placement *where, struct failure *failure);

/* The same for a caller that has the lock of the job. */
int job_up_locked(struct job *job, const struct placement *where, struct failure *failure);

/* Ends a job: its processes, its proxy, all that it got. In a cgroup that others made, processes have to be
 * gone before. Returns 0, or -errno with STATUS_NO_JOB where nothing of it is there. */
int job_down(const char *name, struct failure *failure);

/* The same for who has the lock of the job; of `job` nothing but the name is given. */
int job_down_locked(struct job *job, struct failure *failure);

/* Opens the job's network namespace. Returns a descriptor, or -errno, also where the path leads to another one by now, as that
 * of a process does whose number was used again. */
int job_open_netns(const struct job *job, struct failure *failure);

/* Reads the job of that name. Returns 0, or -errno with STATUS_NO_JOB. */
int job_read(struct job *job, const char *name, struct failure *failure);

/* Locks the job of that name and reads it; one of another FENCE_ABI is refused. Returns the descriptor that holds the
 * lock, or -errno with STATUS_NO_JOB. */
int job_read_locked(struct job *job, const char *name, struct failure *failure);

/* Whether the job's maps are as this version knows them: 0, or -EPROTO with the failure noted. */
int job_check_abi(const struct job *job, struct failure *failure);

/* Whether a job has every label of the object, with the same value. */
bool job_has_labels(const struct job *job, const json_t *labels);

/* A job as JSON, as `up --json` prints it. NULL when there is no memory. */
json_t *job_to_json(const struct job *job);

/* Writes and reads spec.json. Return 0 or -errno. */
int job_record_write(const struct job *job);
int job_record_read(struct job *job, struct failure *failure);

/* The variables that lead programs to the proxy: pairs of name and value, ended by a NULL name. */
struct variable {
	const char *name, *value;
};
const struct variable *job_proxy_variables(void);
