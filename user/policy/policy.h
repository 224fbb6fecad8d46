/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What the operator of a node decided about the jobs of others. The policy is the file
 * /etc/jobfence/jobfence.conf, then the files jobfence.conf.d/ *.conf beside it, in the
 * order of their names. docs/policy.md describes the keys. admission.h tells whether a
 * job obeys it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "jobfence/proxy.h"
#include "names/address.h"
#include "policy/secret_grant.h"
#include "policy/spec.h"

#define POLICY_FILE	"/etc/jobfence/jobfence.conf"
#define POLICY_SIZE_MAX (1024UL * 1024) /* bytes of one file */
#define SIGNER_NAME_MAX 38 /* so that "signer NAME" is a section that inih does not cut */

/*
 * [signer NAME]: the domains that a spec may name beyond the node's list, if a key of
 * that name signed it.
 */
struct signer {
	char name[SIGNER_NAME_MAX + 1];
	struct domains allowed;
};

#define POLICY_KEYS_MAX 32

struct policy {
	/* The first file, which messages name. It lives as long as the process. */
	const char *file;
	/* Where each key was given: a file, or "A and B". NULL: nowhere. */
	char *given_in[POLICY_KEYS_MAX];
	enum network accept;
	bool allow_any_domain; /* allow_domain = * */
	struct domains allowed_domains;
	struct domains denied_domains;
	/* Domains that every http job gets. */
	struct domains default_domains;
	/* Endpoints that only requests with the header may reach, so no TLS. */
	struct domains guard_domains;
	/* What each http job may request of these domains at most. */
	struct request_rules rules;
	/* Domains for which a job may ask for ECH, with --allow-ech. */
	struct domains ech_domains;
	/* Domains whose TLS the proxy may open for a job, with --intercept. */
	struct domains intercept_domains;
	/* The proxy opens TLS to guarded domains instead of refusing it. */
	bool intercept_guarded;
	/* Certificates that sites may have besides those of the node; empty: none. */
	char upstream_ca[PATH_SIZE];
	/* The rate of jobs that ask for none, in bits per second. 0: not throttled. */
	uint64_t rate;
	/*
	 * The highest rate that a job may ask for, in bits per second. 0: no maximum. If
	 * it is not given, it is `rate`, which does not bind `run`.
	 */
	uint64_t max_rate;
	bool max_rate_given;
	uint32_t max_domains;	     /* of declared domains, without the default ones */
	uint32_t max_connections;    /* of one job at once */
	char header[HEADER_MAX + 1]; /* of every job */
	/* Private ranges that jobs may ask for with --allow-address. */
	struct address_range allowed_addresses[ALLOWED_RANGES_MAX];
	uint32_t allowed_address_count;
	/* The NAT64 prefixes of the node's network, with blanks between. */
	char nat64_prefixes[NAT64_TEXT_MAX];
	bool allow_public_suffix_wildcards;
	bool learn;	/* whether jobs may run with --learn */
	json_t *shares; /* paths that every job sees (share.h); NULL: none */
	/* What the operator adds to each refusal of the proxy. Empty: nothing. */
	char refusal_text[REFUSAL_TEXT_SIZE];
	bool log; /* whether a job has a request log unless it says otherwise */
	char log_folder[PATH_SIZE]; /* of the logs of jobs; empty: the folder of each job */
	uint32_t log_max;	    /* bytes of a log, with its older half */
	bool log_paths;		    /* a log has the paths of requests */
	char probe[PATH_SIZE];	/* a program that is asked about each job; empty: none */
	uint32_t probe_timeout; /* seconds */
	char trusted_keys[PATH_SIZE]; /* allowed_signers of ssh-keygen(1); empty: none */
	struct secret_grants secrets;
	struct signer *signers;
	size_t signer_count;
};

/* Sets the policy that holds without a file: no job with a network is accepted. */
void policy_init(struct policy *policy);
void policy_free(struct policy *policy);

/*
 * Reads the policy that begins with `file`. With NULL it begins with POLICY_FILE, which
 * may be missing. Returns 0, or -errno with STATUS_POLICY, the file and the line. After
 * an error nothing in `policy` may be used. policy_free() is due in either case.
 */
int policy_load(struct policy *policy, const char *file, struct failure *failure);

/*
 * Reads the text of one file into the policy. Errors name the file `name`. Returns 0, or
 * -errno as policy_load().
 */
int policy_parse(struct policy *policy, const char *name, const char *text, size_t length,
	struct failure *failure);

/*
 * The file, or files, that gave a key its value. If none did, it is the first file, where
 * a change has effect.
 */
const char *policy_where(const struct policy *policy, const char *key);

/*
 * Settles the keys that depend on each other, and refuses contradictions. Call it once,
 * after the last file. Returns 0 or -errno.
 */
int policy_finish(struct policy *policy, struct failure *failure);
