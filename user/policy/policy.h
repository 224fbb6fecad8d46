/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What the operator of a node decided about the jobs of others: the file /etc/jobfence/jobfence.conf, then
 * jobfence.conf.d/ *.conf beside it in the order of their names. docs/policy.md describes the keys. Whether a job
 * keeps to it, admission.h tells.
 */

#include <stdbool.h>
#include <stdint.h>

#include "names/address.h"
#include "policy/spec.h"

#define POLICY_FILE	"/etc/jobfence/jobfence.conf"
#define POLICY_SIZE_MAX (1024UL * 1024) /* bytes of one file */
#define SIGNER_NAME_MAX 38 /* so that "signer NAME" is a section that inih does not cut */

/* [signer NAME]: what a spec may name beyond the node's list when a key of that name signed it. */
struct signer {
	char name[SIGNER_NAME_MAX + 1];
	struct domains allowed;
};

#define POLICY_KEYS_MAX 32

struct policy {
	/* The first file, to be named in messages; lives as long as the process. */
	const char *file;
	/* Where each key was given: a file, or "A and B". NULL: nowhere. */
	char *given_in[POLICY_KEYS_MAX];
	enum network accept;
	bool allow_any_domain; /* allow_domain = * */
	struct domains allowed_domains;
	struct domains denied_domains;
	/* That every http job gets. */
	struct domains default_domains;
	/* Endpoints that nothing but marked requests may reach, and so no TLS. */
	struct domains guard_domains;
	/* For which jobs may ask for ECH by --allow-ech. */
	struct domains ech_domains;
	/* Bits per second, of jobs that ask for none; 0: not throttled. */
	uint64_t rate;
	/* The most that a job may ask for, 0: no maximum. Not given it is `rate`, but does not hold the operator's own hand. */
	uint64_t max_rate;
	bool max_rate_given;
	uint32_t max_domains;	     /* that a job may declare, beside the default ones */
	uint32_t max_connections;    /* of one job at once */
	char header[HEADER_MAX + 1]; /* of every job */
	/* Private ranges that jobs may ask for by --allow-address. */
	struct address_range allowed_addresses[ALLOWED_RANGES_MAX];
	uint32_t allowed_address_count;
	/* The NAT64 prefixes of the node's network, with blanks between. */
	char nat64_prefixes[NAT64_TEXT_MAX];
	bool allow_public_suffix_wildcards;
	bool learn;		/* whether jobs may run with --learn */
	json_t *shares;		/* that the view of every job keeps (share.h); NULL: none */
	char probe[PATH_SIZE];	/* program that is asked about each job; empty: none */
	uint32_t probe_timeout; /* seconds */
	char trusted_keys[PATH_SIZE]; /* allowed_signers of ssh-keygen(1); empty: none */
	struct signer *signers;
	size_t signer_count;
};

/* Sets what holds where there is no file: no networked job is accepted. */
void policy_init(struct policy *policy);
void policy_free(struct policy *policy);

/* Reads the policy that begins with `file`; NULL: POLICY_FILE, which may be missing. Returns 0, or -errno with
 * STATUS_POLICY, the file and the line; of `policy` nothing is to be used then, but policy_free() is due. */
int policy_load(struct policy *policy, const char *file, struct failure *failure);

/* Reads the text of one file into the policy; `name` is how errors call it. Returns 0, or -errno as above. */
int policy_parse(struct policy *policy, const char *name, const char *text, size_t length,
	struct failure *failure);

/* The file, or files, that gave a key its value; the first one where none did: to change it there has force. */
const char *policy_where(const struct policy *policy, const char *key);

/* Settles what depends on more than one line, and refuses contradictions. To be called once, after the last file. */
int policy_finish(struct policy *policy, struct failure *failure);
