// SPDX-License-Identifier: BSD-2-Clause
/*
 * The edge of the program. It finds the verb, calls it, prints its failure, and returns
 * its status.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/failure_json.h"
#include "cli/runtime.h"
#include "command/privileges.h"
#include "lib/cleanup.h"
#include "lib/inherited.h"
#include "lib/umask.h"
#include "node/objects.h"

void report_failure(const struct failure *failure)
{
	fprintf(stderr, "jobfence: %s\n", failure->text);
}

void warn_of_node(const struct job *job)
{
	if (job->resolver_assumed)
		fputs("jobfence: warning: /etc/resolv.conf is missing or names no resolver, so the "
		      "proxy asks 127.0.0.1; to name one, add: nameserver ADDRESS\n",
			stderr);
}

/* A line without a verb. It may still ask for JSON. */
static int usage(int count, char **arguments)
{
	struct failure failure;
	bool json = false;

	for (int i = 1; i < count; i++)
		json |= !strcmp(arguments[i], "--json");
	/* fail_as() makes the word printable. */
	if (count > 1)
		fail_as(&failure, STATUS_USAGE, "unknown command %.64s; see: jobfence help",
			arguments[1]);
	else
		fail_as(&failure, STATUS_USAGE, "no command was given; see: jobfence help");
	report_failure(&failure);
	if (json)
		failure_print_json(&failure, STATUS_USAGE);
	return STATUS_USAGE;
}

/* Removes a --config before the verb from the words. Returns its value, or NULL. */
static const char *take_config(int *count, char ***arguments)
{
	static const char option[] = "--config";
	const size_t length = sizeof(option) - 1;
	const char *config = NULL;

	while (*count > 1 && !strncmp((*arguments)[1], option, length)) {
		const char *value = (*arguments)[1] + length;
		int words = *value == '=' ? 1 : 2;

		if ((*value && *value != '=') || words >= *count)
			break;
		config = words == 1 ? value + 1 : (*arguments)[2];
		*count -= words;
		*arguments += words;
	}
	return config;
}

static int run(
	const struct command *command, const char *config, int count, char **arguments)
{
	_cleanup_(options_free) struct options options;
	char *topic[] = { (char *)command->name, NULL };
	struct failure failure = {};
	int status = STATUS_DONE;
	int error = options_parse(&options, command->options,
		!(command->flags & COMMAND_RUNS), config, count, arguments, &failure);

	if (!error && options.help) {
		options.arguments = topic;
		options.count = 1;
		command = command_find("help");
	}
	if (!error && command->flags & COMMAND_ROOT)
		error = privileges_check(command->name, &failure);
	if (!error)
		error = command->run(&options, &status, &failure);
	/*
	 * Some failures note no text, such as a lack of memory. They must not pass for
	 * success.
	 */
	if (error && !failure.text[0])
		fail(&failure, error, "%s", command->name);
	if (failure.text[0])
		report_failure(&failure);
	if (error) {
		status = command->failure_status ? command->failure_status
						 : (int)failure.status;
		if (options.json)
			failure_print_json(&failure, status);
		return status;
	}
	if (fflush(stdout)) {
		perror("jobfence: standard output");
		return STATUS_FAILED;
	}
	return status;
}

/*
 * Otherwise a later open(2) could become a standard descriptor, ours or that of a command.
 */
static int open_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			return -errno;
	return 0;
}

int main(int count, char **arguments)
{
	const struct command *command;
	const char *word, *config;

	if (open_standard_descriptors()) {
		perror("jobfence: cannot open /dev/null");
		return STATUS_FAILED;
	}
	objects_route_messages();
	if (count && !strcmp(basename(arguments[0]), RUNTIME_NAME))
		return runtime_main(count, arguments);
	umask_set();
	/*
	 * If a caller ignores SIGCHLD, the kernel reaps our children and their status is
	 * lost.
	 */
	if (inherited_take()) {
		perror("jobfence: cannot undo what the caller has set");
		return STATUS_FAILED;
	}
	config = take_config(&count, &arguments);
	word = count > 1 ? arguments[1] : NULL;
	if (word && (!strcmp(word, "--help") || !strcmp(word, "-h")))
		word = "help";
	else if (word && !strcmp(word, "--version"))
		word = "version";
	command = word ? command_find(word) : NULL;
	return command ? run(command, config, count - 1, arguments + 1)
		       : usage(count, arguments);
}
