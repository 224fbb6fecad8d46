// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence run`: up, one command, a summary of the refusals, down. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "cli/advice.h"
#include "cli/command.h"
#include "cli/learning.h"
#include "cli/trace.h"
#include "command/execute.h"
#include "job/down.h"
#include "job/up.h"
#include "job/usage.h"
#include "lib/cleanup.h"
#include "lib/debugging.h"
#include "lib/json.h"
#include "lib/umask.h"
#include "node/lock.h"

static int make_name(char name[JOB_NAME_MAX + 1], struct failure *failure)
{
	unsigned long long bits;

	if (getrandom(&bits, sizeof(bits), 0) != sizeof(bits))
		return fail(failure, -errno, "cannot make up a name; give one: --job ID");
	snprintf(name, JOB_NAME_MAX + 1, "run-%016llx", bits);
	return 0;
}

static bool is_domain_refusal(const struct usage_refusal *row)
{
	return row->key.reason == REASON_DOMAIN;
}

static void print_count(__u64 count)
{
	if (count == 1)
		fputs(" (once)", stderr);
	else
		fprintf(stderr, " (%llu times)", (unsigned long long)count);
}

static bool is_of_node(const struct usage_refusal *row, const struct host *node)
{
	struct host host;

	return is_domain_refusal(row) &&
	       !host_parse(row->key.name, row->key.length, HOST_NO_BRACKETS, &host) &&
	       host_equal(&host, node);
}

static const char *print_names(
	const struct usage *usage, const struct host *node, const char *separator)
{
	for (size_t i = 0; i < usage->refusal_count; i++) {
		const struct usage_refusal *row = &usage->refusals[i];
		const char *word = is_domain_refusal(row)
					   ? ""
					   : reason_word((enum reason)row->key.reason);

		/*
		 * Programs look up the name of their node, and go on without an answer.
		 */
		if (is_of_node(row, node))
			continue;
		fprintf(stderr, "%s%s%s%.*s", separator, word, word[0] ? " " : "",
			row->key.length, row->key.name);
		print_count(row->refusal.count);
		separator = ", ";
	}
	return separator;
}

/* Prints the options that would allow the names, ready for a shell. */
static void print_advice(
	const struct job *job, const struct usage *usage, const struct host *node)
{
	bool any = false;

	for (size_t i = 0; i < usage->refusal_count; i++) {
		const struct usage_refusal *row = &usage->refusals[i];

		if (!is_domain_refusal(row) || is_of_node(row, node) ||
			!can_be_advised(&job->spec, row->key.name, row->key.length))
			continue;
		if (!any)
			fprintf(stderr, "jobfence: to allow the names:");
		fprintf(stderr, " --domain %.*s", row->key.length, row->key.name);
		any = true;
	}
	if (any)
		fputc('\n', stderr);
}

/*
 * Prints what the proxy refused by name, what the kernel refused by kind, and how to
 * allow the names.
 */
static void print_summary(const struct job *job, const struct usage *usage)
{
	struct host node = {};
	char name[HOST_NAME_MAX + 1] = "";
	const char *separator;

	if (gethostname(name, sizeof(name) - 1) ||
		host_parse(name, strlen(name), HOST_NO_BRACKETS, &node))
		node = (struct host){};
	separator = print_names(usage, &node, "jobfence: refused: ");
	for (int reason = 1; reason < REASON_COUNT; reason++) {
		/*
		 * TCP sends again the packets that the throttle dropped, so these are no
		 * refusals.
		 */
		if (!usage->job.refused[reason] || reason == REASON_HORIZON)
			continue;
		fprintf(stderr, "%s%s", separator, reason_text((enum reason)reason));
		print_count(usage->job.refused[reason]);
		separator = ", ";
	}
	if (separator[0] == ',')
		fputc('\n', stderr);
	print_advice(job, usage, &node);
	print_ech_advice(stderr, "jobfence: ", usage);
	print_http2_advice(stderr, "jobfence: ", usage);
	if (job->spec.network == NETWORK_NONE && usage->job.refused[REASON_NETWORK])
		fputs("jobfence: the job has no network; to give it a site: --domain NAME\n",
			stderr);
}

/* Where the final report goes: --report. */
struct report {
	const char *path; /* NULL: not given */
	FILE *file;
};

static void report_close(struct report *report)
{
	cleanup_file(&report->file);
}

/* Opens the file before the job begins, so that no job runs in vain. */
static int report_begin(struct report *report, const char *path, struct failure *failure)
{
	bool standard = path && !strcmp(path, "-");
	int fd = standard ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) : -1;

	report->path = standard ? "standard output" : path;
	if (standard)
		report->file = fd < 0 ? NULL : fdopen(fd, "w");
	else
		report->file = path ? umask_open(path) : NULL;
	return path && !report->file ? fail(failure, -errno, "cannot write %s", path) : 0;
}

/*
 * Writes the job's final report, with the status of its command. `last` is NULL if there is
 * none, and why has been said. Returns 0 or -errno.
 */
static int report_write(
	struct report *report, json_t *last, int status, struct failure *failure)
{
	int error = 0;

	if (!report->file)
		return 0;
	if (!last)
		return fail_as(failure, STATUS_FAILED, "there is no report to write to %s",
			report->path);
	errno = 0;
	if (json_object_set_new(last, "exit_status", json_integer(status)))
		error = -ENOMEM;
	else if (json_dumpf(last, report->file, JSON_COMPACT | JSON_ENSURE_ASCII) ||
		 fputc('\n', report->file) == EOF || fflush(report->file))
		error = errno ? -errno : -EIO;
	return error ? fail(failure, error, "cannot write %s", report->path) : 0;
}

/*
 * Ends the job, and tells what is asked for. A failure becomes the status of a command that
 * succeeded.
 */
static void end_job(const struct job *job, const struct learned_maps *learned,
	const struct learning *learning, struct report *report, int *status)
{
	_json_ json_t *last = NULL;
	struct failure failure = {};
	bool failed = false;

	if (job_down(job->spec.name, report->file ? &last : NULL, &failure))
		report_failure(&failure);
	if (job->spec.learn &&
		learning_print(learning, job->spec.name, learned, &failure)) {
		report_failure(&failure);
		failed = true;
	}
	if (report_write(report, last, *status, &failure)) {
		report_failure(&failure);
		failed = true;
	}
	if (failed && !*status)
		*status = EXIT_BEFORE;
}

static int run_job(struct job *job, const struct execution *execution,
	const struct learning *learning, struct report *report, int *status,
	struct failure *failure)
{
	static const struct placement own = { .closed = true };
	_cleanup_(usage_free) struct usage *usage = NULL;
	_cleanup_(learned_close) struct learned_maps learned = LEARNED_MAPS_NONE;
	_fd_ int lock = job_lock(job->spec.name, failure);
	struct failure ignored = {};
	int before = EXIT_BEFORE;
	int error = lock < 0 ? lock : job_up_locked(job, &own, failure);

	if (error)
		return error;
	warn_of_node(job);
	if (job->spec.learn)
		learned_open(&job->paths, &learned);
	/*
	 * The lock is held until the command runs. Without a command gc would take the
	 * job for one that is over.
	 */
	error = job_execute(job, TAKE_FD(lock), execution, status, failure);
	if (!usage_read(job, &usage, &ignored))
		print_summary(job, usage);
	if (debugging_proxy() && trace_print(stderr, job->spec.name, NULL, &ignored))
		report_failure(&ignored);
	end_job(job, &learned, learning, report, error ? &before : status);
	return error;
}

int run_command(struct options *options, int *status, struct failure *failure)
{
	struct execution execution = { .arguments = options->arguments,
		.proxy_variables = !options->no_proxy_variables,
		.alone = true };
	_cleanup_(learning_close) struct learning learning = {};
	_cleanup_(report_close) struct report report = {};
	_cleanup_(job_free) struct job job = { .by_operator = true };
	int error;

	if (!options->count)
		return fail_as(failure, STATUS_USAGE, "run needs a command");
	if ((options->learn_output || options->learn_collapse) && !options->spec.learn)
		return fail_as(failure, STATUS_USAGE,
			"nothing is learned without --learn; add it");
	if (options->spec.slice)
		return fail_as(failure, STATUS_USAGE,
			"the spec asks for a slice, which is for containers and not for run; use: jobfence up");
	if (!options->spec.name[0]) {
		error = make_name(options->spec.name, failure);
		if (error)
			return error;
	}
	error = admit(options, &job, failure);
	if (!error)
		error = user_find(options->user, &execution.user, failure);
	if (!error && job.spec.learn)
		error = learning_begin(&learning, options, failure);
	if (!error)
		error = report_begin(&report, options->report, failure);
	return error ? error
		     : run_job(&job, &execution, &learning, &report, status, failure);
}
