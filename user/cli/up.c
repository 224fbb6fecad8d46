// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence up`: for executors, which start the job's processes themselves. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "job/down.h"
#include "job/job.h"
#include "job/up.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/printable.h"
#include "oci/hook.h"

/*
 * Prints the job. A reader that has gone must not end this process, since nobody else may
 * know of the job.
 */
static int print_job(const struct job *job, struct failure *failure)
{
	_json_ json_t *json = job_to_json(job);
	int error;

	signal(SIGPIPE, SIG_IGN);
	error = print_json(json);
	if (!error && (fflush(stdout) || ferror(stdout)))
		error = errno ? -errno : -EIO;
	return error ? fail(failure, error,
			       "job %s is taken down again, since it can't be told: standard output",
			       job->spec.name)
		     : 0;
}

/* Takes the job down, unless another job has the name by now. */
static void take_down(const struct job *job)
{
	_cleanup_(job_free) struct job again = {};
	struct failure failure = {};
	_fd_ int lock = -1;
	int error;

	lock = job_read_locked(&again, job->spec.name, &failure);
	if (lock < 0 && failure.status == STATUS_NO_JOB)
		return;
	error = lock < 0 ? lock : 0;
	if (!error && again.id == job->id)
		error = job_down_locked(job->spec.name, NULL, &failure);
	if (error)
		report_failure(&failure);
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
		return fail_as(failure, STATUS_USAGE, "unexpected argument '%.64s'",
			options->arguments[0]);
	if (!options->spec.name[0])
		return fail_as(failure, STATUS_USAGE, "up needs a name: --job ID");
	if (options->spec.slice && options->cgroup)
		return fail_as(failure, STATUS_USAGE,
			"--slice makes the job's cgroup, and --cgroup gives it one; leave out one of them");
	error = admit(options, &job, failure);
	if (error)
		return error;
	error = job_up(&job, &where, failure);
	if (!error)
		warn_of_node(&job);
	if (!error && options->pid)
		warn_of_process(&job, options->pid);
	if (error || !options->json)
		return error;
	error = print_job(&job, failure);
	if (error)
		take_down(&job);
	return error;
}
