// SPDX-License-Identifier: BSD-2-Clause
/* The table of verbs. */

#include <string.h>

#include "cli/command.h"
#include "command/execute.h"

const struct command commands[] = {
	{ "run", "[--] COMMAND [ARG...]", "run a command in a job of its own",
		OPTIONS_JOB | OPTIONS_LEARNED | OPTIONS_EXECUTE | OPTIONS_SHARE |
			OPTIONS_COMMAND | OPTIONS_ROOT,
		run_command, EXIT_BEFORE },
	{ "up", "", "build the fence of a job",
		OPTIONS_JOB | OPTIONS_PLACE | OPTIONS_JSON | OPTIONS_ROOT, up_command, 0 },
	{ "exec", "JOB [--] COMMAND [ARG...]", "run a command in a job that is up",
		OPTIONS_EXECUTE | OPTIONS_COMMAND | OPTIONS_ROOT, exec_command,
		EXIT_BEFORE },
	{ "update", "JOB", "change the domains and the rate of a job that runs",
		OPTIONS_UPDATE | OPTIONS_ROOT, update_command, 0 },
	{ "down", "[JOB...]", "end jobs and remove all that they got",
		OPTIONS_SELECT | OPTIONS_ALL | OPTIONS_LEARNED | OPTIONS_ROOT, down_command,
		0 },
	{ "list", "", "list the jobs of this node", OPTIONS_SELECT | OPTIONS_JSON,
		list_command, 0 },
	{ "show", "JOB", "show a job, what it used and what it was refused",
		OPTIONS_JSON | OPTIONS_ROOT, show_command, 0 },
	{ "gc", "", "remove what belongs to no living job; with labels, all that have them",
		OPTIONS_SELECT | OPTIONS_JSON | OPTIONS_ROOT, gc_command, 0 },
	{ "policy", "check", "say whether the node would take a job",
		OPTIONS_JOB | OPTIONS_JSON | OPTIONS_CHECK, policy_command, 0 },
	{ "repair", "JOB",
		"start the proxy of a job again where it has ended or does not answer",
		OPTIONS_ROOT, repair_command, 0 },
	{ "upgrade", "[JOB...]", "give jobs that run the programs of this version",
		OPTIONS_SELECT | OPTIONS_ALL | OPTIONS_UPGRADE | OPTIONS_ROOT,
		upgrade_command, 0 },
	{ "oci-hook", "createRuntime|poststop",
		"fence a container; a hook of an OCI runtime, with its state on standard input",
		OPTIONS_HOOK | OPTIONS_ROOT, oci_hook_command, 0 },
	{ "events", "[JOB]",
		"print what the kernel refused, and which proxies were restarted, as it happens",
		OPTIONS_JSON | OPTIONS_FOLLOW | OPTIONS_ROOT, events_command, 0 },
	{ "preset", "list | show NAME", "print presets of domains, and what is in one",
		OPTIONS_JSON, preset_command, 0 },
	{ "completion", "", "print completion for bash", 0, completion_command, 0 },
	{ "manual", "", "print the page of the manual, for man(1)", 0, manual_command, 0 },
	{ "version", "", "print the version", 0, version_command, 0 },
	{ "help", "[COMMAND]", "explain a command", 0, help_command, 0 },
	{},
};

const struct command *command_find(const char *name)
{
	for (const struct command *command = commands; command->name; command++)
		if (!strcmp(command->name, name))
			return command;
	return NULL;
}
