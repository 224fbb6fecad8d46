/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The verbs: one row in the table of commands.c and one file for each. Dispatch, `help`, completion and
 * the synopsis of the manual come from the table.
 */

#include "cli/options.h"
#include "job/job.h"
#include "lib/failure.h"

struct command {
	const char *name;
	const char *arguments; /* after the options, for the synopsis */
	const char *summary;
	unsigned options; /* enum option_group */
	/* Returns 0 with *status set (STATUS_DONE before), or -errno with the failure noted. */
	int (*run)(struct options *options, int *status, struct failure *failure);
	int failure_status; /* when not 0, in place of the failure's own */
};

extern const struct command commands[]; /* ended by a NULL name */

const struct command *command_find(const char *name);

/* Whether the node takes the job of the options: their `spec` is settled and checked, and gets what the node adds. Returns 0
 * with what the job is to keep of the policy in `job`, or -errno. */
int admit(struct options *options, struct job *job, struct failure *failure);

/* Prints a failure, as the one line on standard error that it is. */
void report_failure(const struct failure *failure);

/* Prints what is likely a mistake of the node's, where a job was just given its proxy. */
void warn_of_node(const struct job *job);

int run_command(struct options *options, int *status, struct failure *failure);
int up_command(struct options *options, int *status, struct failure *failure);
int exec_command(struct options *options, int *status, struct failure *failure);
int update_command(struct options *options, int *status, struct failure *failure);
int upgrade_command(struct options *options, int *status, struct failure *failure);
int down_command(struct options *options, int *status, struct failure *failure);
int list_command(struct options *options, int *status, struct failure *failure);
int gc_command(struct options *options, int *status, struct failure *failure);
int repair_command(struct options *options, int *status, struct failure *failure);
int oci_hook_command(struct options *options, int *status, struct failure *failure);
int policy_command(struct options *options, int *status, struct failure *failure);
int show_command(struct options *options, int *status, struct failure *failure);
int preset_command(struct options *options, int *status, struct failure *failure);
int events_command(struct options *options, int *status, struct failure *failure);
int version_command(struct options *options, int *status, struct failure *failure);
int completion_command(struct options *options, int *status, struct failure *failure);
int manual_command(struct options *options, int *status, struct failure *failure);
int help_command(struct options *options, int *status, struct failure *failure);
