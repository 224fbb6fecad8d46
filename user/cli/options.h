/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The options of all verbs: one table, of which each verb takes some groups. */

#include <stdbool.h>
#include <stdio.h>

#include "job/update.h"
#include "lib/failure.h"
#include "policy/spec.h"

enum option_group {
	OPTIONS_JOB = 1 << 0,	   /* what a job may do */
	OPTIONS_PLACE = 1 << 1,	   /* which existing cgroup and namespace a job lives in */
	OPTIONS_EXECUTE = 1 << 2,  /* how a command runs in a job */
	OPTIONS_SHARE = 1 << 3,	   /* what a command sees of the node */
	OPTIONS_LEARNED = 1 << 4,  /* where the learned names go */
	OPTIONS_UPDATE = 1 << 5,   /* what changes in a running job */
	OPTIONS_UPGRADE = 1 << 6,  /* what is upgraded */
	OPTIONS_SELECT = 1 << 7,   /* jobs by label */
	OPTIONS_ALL = 1 << 8,	   /* all jobs */
	OPTIONS_CHECK = 1 << 9,	   /* how a job is checked against the policy */
	OPTIONS_HOOK = 1 << 10,	   /* how far a container engine is trusted */
	OPTIONS_FOLLOW = 1 << 11,  /* whether to wait for more output */
	OPTIONS_JSON = 1 << 12,	   /* the form of the output */
	OPTIONS_COMMON = 1 << 13,  /* the options that every verb takes */
	OPTIONS_REPORT = 1 << 14,  /* where the final report of a job goes */
	OPTIONS_TRACE = 1 << 15,   /* the log of the proxy instead of events */
	OPTIONS_REFUSED = 1 << 16, /* refusals alone */
	OPTIONS_EVENTS = 1 << 17,  /* which events */
	OPTIONS_METRICS = 1 << 18, /* where metrics go */
	OPTIONS_TOP = 1 << 19,	   /* how jobs are watched */
};

#define UPDATE_DOMAINS_MAX 256 /* of each kind in one command */

struct options {
	struct job_spec spec;	  /* with OPTIONS_SELECT alone, only its labels */
	char *spec_text;	  /* the text of --spec; NULL: not given */
	size_t spec_length;	  /* bytes of spec_text */
	const char *signature;	  /* NULL: not given */
	const char *config;	  /* NULL: not given */
	const char *cgroup;	  /* NULL: not given */
	char netns[PATH_SIZE];	  /* empty: not given */
	pid_t pid;		  /* of --pid, 0: not given */
	const char *user;	  /* NULL: not given */
	json_t *shares;		  /* NULL: none */
	const char *learn_output; /* NULL: standard output */
	const char *report;	  /* NULL: not given */
	size_t learn_collapse;	  /* 0: never */
	uint64_t since;		  /* ns of CLOCK_BOOTTIME; 0: not given */
	const char *textfile;	  /* NULL: not given */
	const char *listen;	  /* NULL: not given */
	const char *new_rate;	  /* NULL: not given */
	enum trace_change new_trace;
	const char *new_secrets[UPDATE_DOMAINS_MAX + 1];    /* NULL-terminated */
	const char *add_domains[UPDATE_DOMAINS_MAX + 1];    /* NULL-terminated */
	const char *remove_domains[UPDATE_DOMAINS_MAX + 1]; /* NULL-terminated */
	bool annotations, json, all, follow, trace, journal, refused, no_proxy_variables,
		proxy, help;
	bool batch;
	unsigned long iterations; /* 0: no end */
	uint64_t interval;	  /* ns, 0: not given */
	char **arguments;	  /* the words that are no options, NULL-terminated */
	int count;		  /* of arguments */
};

/*
 * Parses the words after the verb, which is arguments[0]. `config` is the value of a
 * --config before the verb, or NULL. Without `whole_line`, parsing ends at the first word
 * that is no option. The words after it belong to another program.
 *
 * Returns 0, or -errno with the failure noted. In either case options_free() is due.
 */
int options_parse(struct options *options, unsigned groups, bool whole_line,
	const char *config, int count, char **arguments, struct failure *failure);
void options_free(struct options *options);

/* One option, as help, the manual and completion show it. */
struct option_shown {
	const char *name;     /* without dashes */
	const char *argument; /* how help calls its argument; NULL: a flag */
	const char *help;
};

/* Calls `show` with each option of the groups, in the order of the table. */
void options_each(unsigned groups,
	void (*show)(const struct option_shown *option, void *data), void *data);
