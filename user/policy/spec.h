/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The description of a job: by options, by a JSON spec, or by both. Each field is checked
 * when it is set. spec_finish() then settles the fields that depend on each other.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "jobfence/abi.h"
#include "lib/failure.h"
#include "names/domains.h"
#include "names/rule_declaration.h"
#include "node/paths.h"
#include "policy/header.h"
#include "policy/secret.h"

#define HEADER_DEFAULT "X-Jobfence-Job-ID"
#define RATE_DEFAULT   1000000ULL /* bits per second */

enum pacing { PACING_AUTO, PACING_EDT, PACING_PROXY, PACING_NONE };

/* Where the request log goes. A spec in JSON only says yes or no, and names no file. */
enum log_choice {
	LOG_UNSET, /* the policy decides */
	LOG_NONE,
	LOG_JOB, /* the file of the job, which the policy places */
	LOG_FILE,
	LOG_CALLER, /* standard error of the command that starts the job */
};

/* A spec is empty if all its bytes are zero. */
struct job_spec {
	char name[JOB_NAME_MAX + 1]; /* empty: not given */
	bool network_given;
	enum network network;
	struct domains domains;
	bool learn;		/* the job may reach every name, and each is noted */
	struct domains guarded; /* the proxy refuses TLS to them */
	struct domains denied;	/* refused, unless a declared domain is narrower */
	struct domains ech;	/* TLS to them may have an encrypted ClientHello */
	/* The proxy opens TLS to them, and to guarded ones if the policy says so. */
	struct domains intercept;
	/* Rules for methods and paths: the job's own, and those of the policy. */
	struct request_rules rules, node_rules;
	/* A spec in JSON can name none: its author may be a stranger. */
	struct secrets secrets;
	bool rate_given;
	uint64_t rate; /* bits per second and direction, 0: none */
	enum pacing pacing;
	json_t *labels; /* object of strings, NULL: none */
	pid_t owner;	/* the process that will end the job, 0: not given */
	bool slice;	/* the job's cgroup is a slice of systemd (node/slice.h) */
	bool header_given;
	char header[HEADER_MAX + 1]; /* empty: the default one */
	struct address_range allowed[ALLOWED_RANGES_MAX];
	uint32_t allowed_count;
	enum log_choice log;
	char log_file[PATH_SIZE]; /* of LOG_FILE, as it was given */
};

void spec_free(struct job_spec *spec);

/*
 * Each of these functions sets a field from text, or adds to a list. Each returns 0, or
 * -errno with the failure noted. admission_settle() checks wildcards on public suffixes.
 */
int spec_set_name(struct job_spec *spec, const char *text, struct failure *failure);
int spec_set_network(struct job_spec *spec, const char *text, struct failure *failure);
int spec_add_domain(struct job_spec *spec, const char *text, struct failure *failure);
/* A file of domains may have rules as well. */
int spec_add_domain_file(struct job_spec *spec, const char *path, struct failure *failure);
/* Adds the domains and the rules of a preset (policy/preset.h). */
int spec_add_preset(struct job_spec *spec, const char *name, struct failure *failure);
/*
 * Adds a domain that only plain HTTP may reach, so that each request has the job's
 * header. The job need not be allowed to reach it.
 */
int spec_add_guarded(struct job_spec *spec, const char *text, struct failure *failure);
/*
 * Adds a domain that is refused even if the job learns, or has a wildcard that covers it.
 */
int spec_add_denied(struct job_spec *spec, const char *text, struct failure *failure);
/*
 * Adds a domain whose TLS may have an encrypted ClientHello. admission_settle() checks
 * that the job may reach it.
 */
int spec_add_ech(struct job_spec *spec, const char *text, struct failure *failure);
/*
 * Adds a domain whose TLS the proxy opens. admission_settle() checks that the job may reach
 * it.
 */
int spec_add_intercept(struct job_spec *spec, const char *text, struct failure *failure);
/*
 * Adds a rule for methods and paths (names/request_rule.h). admission_settle() checks that
 * the job may reach its domain.
 */
int spec_add_rule(struct job_spec *spec, const char *text, struct failure *failure);
/* Adds a rule of the policy, which holds besides those of the job. */
int spec_add_node_rule(struct job_spec *spec, const char *text, struct failure *failure);
/*
 * Add to the secrets that the proxy sets in requests (secret.h). admission_settle() checks
 * that the proxy opens the TLS to their hosts.
 */
int spec_add_secret(struct job_spec *spec, const char *text, struct failure *failure);
int spec_add_secret_header(
	struct job_spec *spec, const char *text, struct failure *failure);
int spec_set_rate(struct job_spec *spec, const char *text, struct failure *failure);
int spec_set_pacing(struct job_spec *spec, const char *text, struct failure *failure);
int spec_set_owner(struct job_spec *spec, const char *text, struct failure *failure);
int spec_add_label(struct job_spec *spec, const char *text, struct failure *failure);
/* The job's labels, an object that is made if it is missing. NULL: there is no memory. */
json_t *spec_labels(struct job_spec *spec);
/* Whether a spec has each label of the object, with the same value. */
bool spec_has_labels(const struct job_spec *spec, const json_t *labels);
int spec_set_header(struct job_spec *spec, const char *text, struct failure *failure);
int spec_add_allowed(struct job_spec *spec, const char *text, struct failure *failure);
/* The text is a path, "-" for LOG_CALLER, or "none". */
int spec_set_log(struct job_spec *spec, const char *text, struct failure *failure);

/*
 * Reads the text of a JSON spec, as docs/job-spec.md describes it. An unknown key is an
 * error. Errors call the spec `from`.
 */
int spec_parse(struct job_spec *spec, const char *text, size_t length, const char *from,
	struct failure *failure);

/* Reads a spec from JSON. With `strict`, an unknown key is an error. */
int spec_from_json(
	struct job_spec *spec, const json_t *json, bool strict, struct failure *failure);

/* The spec as spec_from_json() reads it. NULL: there is no memory. */
json_t *spec_to_json(const struct job_spec *spec);

/* Domains, ranges of addresses, and rules, as a JSON array. NULL: there is no memory. */
json_t *domains_to_json(const struct domains *domains);
json_t *ranges_to_json(const struct address_range *ranges, uint32_t count);
json_t *rules_to_json(const struct request_rules *rules);

/*
 * Settles the network: http if a domain is given or the job learns, else none. Refuses
 * contradictions.
 */
int spec_finish(struct job_spec *spec, struct failure *failure);

const char *network_name(enum network network);
const char *pacing_name(enum pacing pacing);
