// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence exec`: one more command in a job that is up. */

#include <string.h>

#include "cli/command.h"
#include "command/execute.h"
#include "lib/cleanup.h"
#include "node/lock.h"

int exec_command(struct options *options, int *status, struct failure *failure)
{
	struct execution execution = { .proxy_variables = !options->no_proxy_variables };
	_cleanup_(job_free) struct job job = {};
	char **words = options->arguments;
	_fd_ int lock = -1;
	const char *name = words[0];
	int error;

	if (!name)
		return fail_as(failure, STATUS_USAGE, "exec needs a job and a command");
	words++;
	if (words[0] && !strcmp(words[0], "--"))
		words++;
	if (!words[0])
		return fail_as(failure, STATUS_USAGE, "exec needs a command after the job");
	error = user_find(options->user, &execution.user, failure);
	if (error)
		return error;
	lock = job_lock(name, failure);
	if (lock < 0)
		return lock;
	error = job_read(&job, name, failure);
	if (error)
		return error;
	/* A process in it would keep systemd from giving its units controllers. */
	if (job.spec.slice)
		return fail_as(failure, STATUS_FAILED,
			"job %s has a slice, whose processes belong into units; use its engine's exec, "
			"or systemd-run --slice",
			job.spec.name);
	execution.arguments = words;
	return job_execute(&job, TAKE_FD(lock), &execution, status, failure);
}
