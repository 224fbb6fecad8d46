// SPDX-License-Identifier: BSD-2-Clause
/* The table of verbs. */

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "command/execute.h"

const struct command commands[] = {
	{ "run", "[--] COMMAND [ARG...]", "run a command in a job of its own",
		OPTIONS_JOB | OPTIONS_LEARNED | OPTIONS_EXECUTE | OPTIONS_SHARE |
			OPTIONS_REPORT,
		COMMAND_RUNS | COMMAND_ROOT, run_command, EXIT_BEFORE },
	{ "up", "", "set up the fence of a job", OPTIONS_JOB | OPTIONS_PLACE | OPTIONS_JSON,
		COMMAND_ROOT, up_command, 0 },
	{ "exec", "JOB [--] COMMAND [ARG...]", "run a command in a job that is up",
		OPTIONS_EXECUTE, COMMAND_RUNS | COMMAND_ROOT, exec_command, EXIT_BEFORE },
	{ "update", "JOB", "change the domains and the rate of a running job",
		OPTIONS_UPDATE | OPTIONS_JSON, COMMAND_ROOT, update_command, 0 },
	{ "down", "[JOB...]", "end jobs and remove everything that belongs to them",
		OPTIONS_SELECT | OPTIONS_ALL | OPTIONS_LEARNED | OPTIONS_JSON, COMMAND_ROOT,
		down_command, 0 },
	{ "list", "", "list the jobs of this node", OPTIONS_SELECT | OPTIONS_JSON, 0,
		list_command, 0 },
	{ "show", "[JOB...]", "show jobs, what they used and what was refused",
		OPTIONS_SELECT | OPTIONS_ALL | OPTIONS_JSON, COMMAND_ROOT, show_command,
		0 },
	{ "gc", "", "remove leftovers of jobs that ended; with --label, also running jobs",
		OPTIONS_SELECT | OPTIONS_JSON, COMMAND_ROOT, gc_command, 0 },
	{ "policy", "check | features",
		"tell whether the node's policy accepts a job, or what the node accepts",
		OPTIONS_JOB | OPTIONS_JSON | OPTIONS_CHECK, 0, policy_command, 0 },
	{ "repair", "JOB", "restart the proxy of a job that lost it", OPTIONS_JSON,
		COMMAND_ROOT, repair_command, 0 },
	{ "upgrade", "[JOB...]", "move running jobs to the kernel programs of this version",
		OPTIONS_SELECT | OPTIONS_ALL | OPTIONS_UPGRADE | OPTIONS_JSON, COMMAND_ROOT,
		upgrade_command, 0 },
	{ "oci-hook", "createRuntime|poststop",
		"fence a container, as a hook of an OCI runtime; its state is on standard input",
		OPTIONS_HOOK, COMMAND_ROOT, oci_hook_command, 0 },
	{ "events", "[JOB]",
		"print refusals, changes of jobs and ends of workers; list shows a proxy that ended",
		OPTIONS_JSON | OPTIONS_FOLLOW | OPTIONS_TRACE | OPTIONS_EVENTS,
		COMMAND_ROOT, events_command, 0 },
	{ "log", "JOB", "print the requests of a job",
		OPTIONS_JSON | OPTIONS_FOLLOW | OPTIONS_REFUSED, COMMAND_ROOT, log_command,
		0 },
	{ "metrics", "", "print the counters of all jobs, or serve them to Prometheus",
		OPTIONS_METRICS, 0, metrics_command, 0 },
	{ "top", "[JOB...]", "watch what jobs do, on a live screen",
		OPTIONS_SELECT | OPTIONS_TOP, COMMAND_ROOT, top_command, 0 },
	{ "doctor", "", "tell what this node lacks for jobs, and how to mend it",
		OPTIONS_JSON, 0, doctor_command, 0 },
	{ "preset", "list | show PRESET", "list the presets of domains, or print one",
		OPTIONS_JSON, 0, preset_command, 0 },
	{ "completion", "[bash|zsh|fish]", "print the completion for a shell", 0,
		COMMAND_RUNS, completion_command, 0 },
	{ "manual", "", "print the manual page, for man(1)", 0, 0, manual_command, 0 },
	{ "version", "", "print the version", 0, 0, version_command, 0 },
	{ "help", "[COMMAND]", "explain a command", 0, 0, help_command, 0 },
	{},
};

const struct command *command_find(const char *name)
{
	for (const struct command *command = commands; command->name; command++)
		if (!strcmp(command->name, name))
			return command;
	return NULL;
}

void command_synopsis(const struct command *command, char synopsis[SYNOPSIS_MAX])
{
	const char *words = command->arguments;

	if (islower((unsigned char)words[0]))
		snprintf(synopsis, SYNOPSIS_MAX, "%s [OPTIONS]", words);
	else
		snprintf(synopsis, SYNOPSIS_MAX, "[OPTIONS]%s%s", words[0] ? " " : "",
			words);
}
