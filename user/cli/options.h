/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The options of all verbs: one table, of which each verb takes some groups. */

#include <stdbool.h>
#include <stdio.h>

#include "lib/failure.h"
#include "policy/spec.h"

enum option_group {
	OPTIONS_JOB = 1 << 0,	/* what a job may do */
	OPTIONS_PLACE = 1 << 1, /* what of others it lives in */
	OPTIONS_JSON = 1 << 2,
	OPTIONS_EXECUTE = 1 << 3, /* how a command runs in it */
	OPTIONS_SELECT = 1 << 4,  /* jobs by label */
	OPTIONS_ALL = 1 << 5,
	OPTIONS_FOLLOW = 1 << 6,
	OPTIONS_LEARNED = 1 << 8, /* where what a job learned goes */
	OPTIONS_ROOT = 1 << 9,	  /* no option: the verb needs privileges */
	OPTIONS_HOOK = 1 << 10,
	OPTIONS_SHARE = 1 << 11, /* what of the node a command sees */
	OPTIONS_UPDATE = 1 << 30,
	OPTIONS_CHECK = 1 << 29, /* how a job is checked against the policy */
	OPTIONS_UPGRADE = 1 << 28,
	OPTIONS_COMMAND =
		1
		<< 7, /* no option: words after the first that is none belong to a command */
};

#define UPDATE_DOMAINS_MAX 256 /* of each kind in one command */

struct options {
	struct job_spec spec; /* of OPTIONS_SELECT: only its labels */
	char *spec_text;      /* of --spec, as it was read; NULL: not given */
	size_t spec_length;
	const char *signature; /* NULL: not given */
	const char *config;    /* NULL: not given */
	const char *cgroup;
	char netns[PATH_SIZE]; /* empty: not given */
	pid_t pid;	       /* of --pid, 0: not given */
	const char *user;
	json_t *shares;					 /* NULL: none */
	const char *learn_output;			 /* NULL: standard output */
	size_t learn_collapse;				 /* 0: never */
	const char *new_rate;				 /* NULL: not given */
	const char *add_domains[UPDATE_DOMAINS_MAX + 1]; /* NULL-terminated */
	const char *remove_domains[UPDATE_DOMAINS_MAX + 1];
	bool annotations, json, all, follow, no_proxy_variables, proxy, help;
	char **arguments; /* what is left, NULL-terminated */
	int count;
};

/* Parses what follows the verb (arguments[0]); `config` is what came before it, or NULL. Returns 0, or -errno with the failure noted; in either case
 * options_free() is due. */
int options_parse(struct options *options, unsigned groups, const char *config, int count,
	char **arguments, struct failure *failure);
void options_free(struct options *options);

/* Prints a line for each option of the groups. */
void options_print(unsigned groups, FILE *file);

/* Prints the names of the options of the groups, one a line. */
void options_print_names(unsigned groups, FILE *file);
