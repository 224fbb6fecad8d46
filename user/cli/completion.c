// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence completion`: a function for bash, made from the tables. */

#include <stdio.h>
#include <string.h>

#include "cli/command.h"

static bool takes_job(const struct command *command)
{
	return !strncmp(command->arguments, "JOB", 3) ||
	       !strncmp(command->arguments, "[JOB", 4);
}

static void print_name(const struct option_shown *option, void *data)
{
	(void)data;
	printf("--%s\n", option->name);
}

int completion_command(struct options *options, int *status, struct failure *failure)
{
	(void)options;
	(void)status;
	(void)failure;
	printf("# bash completion of jobfence; made by: jobfence completion\n"
	       "_jobfence()\n{\n"
	       "\tlocal word=${COMP_WORDS[COMP_CWORD]} words=\n"
	       "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	       "\t\twords='");
	for (const struct command *command = commands; command->name; command++)
		printf("%s%s", command == commands ? "" : " ", command->name);
	printf("'\n\telif [[ $word == -* ]]; then\n"
	       "\t\tcase ${COMP_WORDS[1]} in\n");
	for (const struct command *command = commands; command->name; command++) {
		printf("\t\t%s) words='", command->name);
		options_each(command->options, print_name, NULL);
		printf("' ;;\n");
	}
	printf("\t\tesac\n"
	       "\telse\n"
	       "\t\tcase ${COMP_WORDS[1]} in\n"
	       "\t\tpolicy) words=check ;;\n"
	       "\t\tpreset) words='list show' ;;\n");
	for (const struct command *command = commands; command->name; command++)
		if (takes_job(command))
			printf("\t\t%s) words=$(ls /run/jobfence/jobs 2>/dev/null) ;;\n",
				command->name);
	printf("\t\tesac\n"
	       "\tfi\n"
	       "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
	       "}\n"
	       "complete -o default -F _jobfence jobfence\n");
	return 0;
}
