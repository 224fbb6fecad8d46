/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The verbs: one row in the table of commands.c and one file for each. Dispatch, `help`,
 * completion and the tables of the manual come from that table.
 */

#include "cli/options.h"
#include "job/job.h"
#include "lib/failure.h"

enum command_flag {
	/* It needs privileges. */
	COMMAND_ROOT = 1 << 0,
	/* It runs a program, to which the rest of the words belong. */
	COMMAND_RUNS = 1 << 1,
};

struct command {
	const char *name;
	/*
	 * The words that are no options, as the synopsis shows them. Words in small letters
	 * stand for themselves and come before the options. The other words are JOB, PRESET
	 * and COMMAND.
	 */
	const char *arguments;
	const char *summary;
	unsigned options; /* enum option_group */
	unsigned flags;	  /* enum command_flag */
	/*
	 * Returns 0 with *status set (STATUS_DONE before), or -errno with the failure
	 * noted.
	 */
	int (*run)(struct options *options, int *status, struct failure *failure);
	int failure_status; /* when not 0, in place of the failure's own */
};

extern const struct command commands[]; /* ended by a NULL name */

const struct command *command_find(const char *name);

#define SYNOPSIS_MAX 96

/* Writes what follows the verb in its synopsis: its words and [OPTIONS]. */
void command_synopsis(const struct command *command, char synopsis[SYNOPSIS_MAX]);

/*
 * Checks the job of the options against the node's policy. Their `spec` is settled, and the
 * node adds to it. The part of the policy that the job keeps goes to `job`. Returns 0 or
 * -errno.
 */
int admit(struct options *options, struct job *job, struct failure *failure);

/* Prints a failure as one line on standard error. */
void report_failure(const struct failure *failure);

/* Warns of a likely mistake of the node's operator, after a job was given its proxy. */
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
int log_command(struct options *options, int *status, struct failure *failure);
int metrics_command(struct options *options, int *status, struct failure *failure);
int doctor_command(struct options *options, int *status, struct failure *failure);
int top_command(struct options *options, int *status, struct failure *failure);
int version_command(struct options *options, int *status, struct failure *failure);
int completion_command(struct options *options, int *status, struct failure *failure);
int manual_command(struct options *options, int *status, struct failure *failure);
int help_command(struct options *options, int *status, struct failure *failure);
