// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence up`: for executors, which start the job's processes themselves. */

#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/output.h"
#include "core/job.h"
#include "core/oci.h"
#include "lib/cleanup.h"
#include "lib/printable.h"

static int print_job(const struct job *job)
{
	_json_ json_t *json = job_to_json(job);

	return print_json(json);
}

/* The namespace of a process alone does not fence it. */
static void warn_of_process(const struct job *job, pid_t pid)
{
	const size_t length = strlen(job->cgroup);
	char cgroup[PATH_SIZE];

	if (oci_cgroup(pid, cgroup))
		cgroup[0] = '\0';
	if (strncmp(cgroup, job->cgroup, length) ||
		(cgroup[length] && cgroup[length] != '/')) {
		memcpy(cgroup, job->cgroup, length + 1);
		make_printable(cgroup);
		fprintf(stderr,
			"jobfence: process %d is not in the job's cgroup, and so is not fenced; to put it there: "
			"echo %d >%s/cgroup.procs\n",
			(int)pid, (int)pid, cgroup);
	}
}

int up_command(struct options *options, int *status, struct failure *failure)
{
	const struct placement where = { .cgroup = options->cgroup,
		.netns = options->netns[0] ? options->netns : NULL };
	_cleanup_(job_free) struct job job = {};
	int error;

	(void)status;
	if (options->count)
		return fail_as(failure, STATUS_USAGE, "'%.64s' is one word too many",
			options->arguments[0]);
	if (!options->spec.name[0])
		return fail_as(failure, STATUS_USAGE, "up needs a name: --job ID");
	error = admit(options, &job, failure);
	if (error)
		return error;
	error = job_up(&job, &where, failure);
	if (!error && options->pid)
		warn_of_process(&job, options->pid);
	if (!error && options->json)
		error = print_job(&job);
	return error;
}
