// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence help`: prints the table of verbs, or a verb with its options. */

#include <stdio.h>

#include "cli/command.h"

static void print_all(void)
{
	printf("jobfence fences the network of container jobs in the kernel.\n\n");
	for (const struct command *command = commands; command->name; command++)
		printf("  %-11s %s\n", command->name, command->summary);
	printf("\nExample: jobfence run --domain example.com -- curl http://example.com/\n"
	       "For more on a command: jobfence help COMMAND\n");
}

static void print_option(const struct option_shown *option, void *data)
{
	char left[48];

	(void)data;
	snprintf(left, sizeof(left), "--%s%s%s", option->name, option->argument ? " " : "",
		option->argument ? option->argument : "");
	printf("  %-26s %s\n", left, option->help);
}

static void print_one(const struct command *command)
{
	char synopsis[SYNOPSIS_MAX];

	command_synopsis(command, synopsis);
	printf("jobfence %s %s\n  %s\n\n", command->name, synopsis, command->summary);
	options_each(command->options | OPTIONS_COMMON, print_option, NULL);
}

int help_command(struct options *options, int *status, struct failure *failure)
{
	const struct command *command;

	(void)status;
	if (!options->count) {
		print_all();
		return 0;
	}
	command = command_find(options->arguments[0]);
	if (!command)
		return fail_as(failure, STATUS_USAGE,
			"unknown command %.64s; see: jobfence help", options->arguments[0]);
	print_one(command);
	return 0;
}
