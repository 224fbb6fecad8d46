// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence help`: what the table of verbs and that of options say. */

#include <stdio.h>

#include "cli/command.h"

static void print_synopsis(const struct command *command)
{
	printf("jobfence %s%s%s%s\n", command->name,
		command->options & ~(unsigned)OPTIONS_COMMAND ? " [OPTIONS]" : "",
		command->arguments[0] ? " " : "", command->arguments);
}

static void print_all(void)
{
	printf("jobfence fences the network of container jobs in the kernel.\n\n");
	for (const struct command *command = commands; command->name; command++)
		printf("  %-11s %s\n", command->name, command->summary);
	printf("\nAs: jobfence run --domain example.com -- curl http://example.com/\n"
	       "More on each: jobfence help COMMAND\n");
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
			"there is no command %.64s; see: jobfence help",
			options->arguments[0]);
	print_synopsis(command);
	printf("  %s\n\n", command->summary);
	options_print(command->options, stdout);
	return 0;
}
