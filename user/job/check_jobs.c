// SPDX-License-Identifier: BSD-2-Clause
/* See check_jobs.h. */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "job/check_jobs.h"
#include "job/health.h"
#include "job/jobs.h"
#include "job/pulse.h"
#include "lib/cleanup.h"
#include "lib/installed.h"

#define SHOWN_MAX 16 /* jobs that get a line of their own */
#define STUCK_MAX 3  /* proxies that are waited for, as each takes its time */

struct count {
	struct findings *findings;
	unsigned up, others, stuck;
};

/* The command that helps a job in a condition. docs/architecture.md has the table. */
static const char *remedy(enum condition condition)
{
	return condition == CONDITION_CUT_OFF || condition == CONDITION_STUCK ? "repair"
									      : "down";
}

static void note_job(
	struct count *count, const char *name, const char *state, const char *verb)
{
	char command[JOB_NAME_MAX + 32];

	if (count->others++ >= SHOWN_MAX)
		return;
	snprintf(command, sizeof(command), "jobfence %s %s", verb, name);
	findings_add(count->findings, FINDING_NOTE, "job",
		"it has not all that it was given", command, "the job %s is %s", name,
		state);
}

static int visit(const struct job *job, void *data)
{
	struct count *count = data;
	enum condition condition;

	/* Others than root can't read every record. */
	if (job->unreadable && geteuid())
		return 0;
	if (job->unreadable) {
		note_job(count, job->spec.name, "unreadable", "down");
		return 0;
	}
	condition =
		count->stuck < STUCK_MAX ? job_condition_asked(job) : job_condition(job);
	count->stuck += condition == CONDITION_STUCK;
	if (condition == CONDITION_UP)
		count->up++;
	else if (job_is_complete(&job->paths))
		note_job(count, job->spec.name, condition_word(condition),
			remedy(condition));
	return 0;
}

static int visit_half_made(const char *name, void *data)
{
	struct count *count = data;

	if (count->others++ < SHOWN_MAX)
		findings_add(count->findings, FINDING_NOTE, "leftover",
			"an interrupted command left it", "jobfence gc",
			"the job %s is half made", name);
	return 0;
}

static void check_installed(struct findings *findings)
{
	struct failure failure = {};
	char path[PATH_MAX];
	int error = installed_program(path, sizeof(path), "jobfence-proxy", &failure);

	/* The folder of a program that anybody may run can be root's own. */
	if (error == -EACCES && geteuid())
		findings_add(findings, FINDING_NOTE, "proxy",
			"only root may see the folder", "sudo jobfence doctor",
			"whether jobfence-proxy is there was not seen");
	else if (error)
		findings_add(findings, FINDING_LACKS, "proxy",
			"each job with domains has one", "make install", "%s",
			failure.text);
	else
		findings_add(
			findings, FINDING_OK, "proxy", NULL, NULL, "the proxy is %s", path);
}

/* Only jobs with opened TLS need it, so it may be left out. */
static void check_tls_installed(struct findings *findings)
{
	struct failure failure = {};
	char path[PATH_MAX];
	int error = installed_program(path, sizeof(path), "jobfence-tls", &failure);

	if (error && (error != -EACCES || !geteuid()))
		findings_add(findings, FINDING_NOTE, "proxy-tls",
			"no job starts whose TLS is to be opened", "make install", "%s",
			failure.text);
	else if (!error)
		findings_add(findings, FINDING_OK, "proxy-tls", NULL, NULL,
			"TLS of jobs can be opened (%s)", path);
}

void check_jobs(struct findings *findings)
{
	struct count count = { .findings = findings };
	struct failure failure = {};
	int error;

	check_installed(findings);
	check_tls_installed(findings);
	error = job_each(visit, &count, &failure);
	if (!error && !geteuid())
		error = jobs_each_half_made(visit_half_made, &count, &failure);
	if (error)
		findings_add(findings, FINDING_NOTE, "jobs", "leftovers may be there",
			"sudo jobfence doctor", "%s", failure.text);
	else if (count.others > SHOWN_MAX)
		findings_add(findings, FINDING_NOTE, "jobs", "they are as the ones above",
			"jobfence list; jobfence gc", "%u more jobs are not up",
			count.others - SHOWN_MAX);
	else
		findings_add(findings, FINDING_OK, "jobs", NULL, NULL,
			"%u jobs are up, and %u are not", count.up, count.others);
}
