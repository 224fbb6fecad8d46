// SPDX-License-Identifier: BSD-2-Clause
/*
 * `jobfence events`: prints the journal of events. Each reader has a place of its own, so
 * printing takes nothing from others.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <sys/wait.h>

#include "cli/command.h"
#include "cli/trace.h"
#include "job/jobs.h"
#include "job/usage.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/moment.h"
#include "lib/printable.h"
#include "names/address.h"
#include "node/journal.h"

#define PERIOD 100 /* ms after which a follower looks again */

struct printing {
	const char *job; /* NULL: every job */
	bool json;
	json_t *names; /* names of jobs by their id as a decimal number; null: unknown */
	time_t looked; /* when all jobs were last searched for a name */
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static const char *hook_name(unsigned hook)
{
	static const char *const names[] = { [HOOK_SOCKET] = "socket",
		[HOOK_CONNECT] = "connect",
		[HOOK_SENDMSG] = "sendmsg",
		[HOOK_BIND] = "bind",
		[HOOK_EGRESS] = "egress",
		[HOOK_INGRESS] = "ingress",
		[HOOK_UPSTREAM] = "upstream",
		[HOOK_OPTION] = "setsockopt" };

	return hook < ARRAY_SIZE(names) && names[hook] ? names[hook] : "unknown";
}

static int remember(const struct job *job, void *data)
{
	char id[24];

	snprintf(id, sizeof(id), "%llu", (unsigned long long)job->id);
	return json_object_set_new(data, id, json_string(job->spec.name)) ? -ENOMEM : 0;
}

/*
 * The name of a job, or NULL. An unknown one is searched for among the jobs that are up
 * now.
 */
static const char *job_name(struct printing *printing, uint64_t id)
{
	struct failure ignored;
	const json_t *known;
	char key[24];

	snprintf(key, sizeof(key), "%llu", (unsigned long long)id);
	known = json_object_get(printing->names, key);
	/*
	 * A job that ended may have many events, so search once a second. A job that is
	 * coming up gets its name later.
	 */
	if (!known || (json_is_null(known) && printing->looked != time(NULL))) {
		printing->looked = time(NULL);
		json_object_set_new(printing->names, key, json_null());
		job_each(remember, printing->names, &ignored);
	}
	return json_string_value(json_object_get(printing->names, key));
}

/*
 * Fields that only a refusal has are null for the end of a worker, and the other way
 * round.
 */
static json_t *event_to_json(const struct event *event, const char *job, const char *comm)
{
	char time[MOMENT_TEXT_MAX], address[ADDRESS_TEXT_MAX];
	const bool refusal = event->kind != EVENT_WORKER;
	const int status = refusal ? 0 : (int)event->worker_status;

	moment_format(event->time, time);
	address_format(&event->destination.address, address);
	return json_pack(
		"{s:I, s:s, s:s?, s:s, s:i, s:s, s:s?, s:s?, s:o, s:o, s:s?, s:o, s:o, s:o}",
		"number", (json_int_t)event->number, "time", time, "job", job, "kind",
		refusal ? "refusal" : "worker", "pid", (int)event->pid, "comm", comm,
		"hook", refusal ? hook_name(event->hook) : NULL, "reason",
		refusal ? reason_word((enum reason)event->reason) : NULL, "family",
		number_or_null(refusal, event->family), "protocol",
		number_or_null(refusal, event->protocol), "address",
		refusal ? address : NULL, "port",
		number_or_null(refusal, ntohs(event->destination.port)), "signal",
		number_or_null(WIFSIGNALED(status), WTERMSIG(status)), "status",
		number_or_null(!refusal && WIFEXITED(status), WEXITSTATUS(status)));
}

static void print_text(const struct event *event, const char *job, const char *comm)
{
	char time[MOMENT_TEXT_MAX], address[ADDRESS_TEXT_MAX];

	moment_format(event->time, time);
	printf("%s %s %s[%u] ", time, job ? job : "-", comm[0] ? comm : "-", event->pid);
	if (event->kind == EVENT_WORKER) {
		char ending[ENDING_TEXT_MAX];

		ending_format((int)event->worker_status, ending);
		printf("its worker ended and is replaced: %s\n", ending);
		return;
	}
	address_format(&event->destination.address, address);
	printf("%s %s port %u: %s\n", hook_name(event->hook), address,
		ntohs(event->destination.port), reason_text((enum reason)event->reason));
}

static void print_event(struct printing *printing, const struct event *event)
{
	const char *job = job_name(printing, event->job);
	char comm[COMM_LENGTH + 1];

	if (printing->job && (!job || strcmp(job, printing->job)))
		return;
	/* A process chooses its own name, which may have control characters. */
	snprintf(comm, sizeof(comm), "%.*s", COMM_LENGTH, event->comm);
	make_printable(comm);
	if (printing->json) {
		_json_ json_t *line = event_to_json(event, job, comm);

		print_json(line);
	} else {
		print_text(event, job, comm);
	}
}

/* The lost ones may be of any job. */
static void print_lost(uint64_t count, bool json)
{
	if (json)
		printf("{\"kind\":\"lost\",\"count\":%llu}\n", (unsigned long long)count);
	else
		printf("%llu events were lost: later ones had replaced them\n",
			(unsigned long long)count);
}

/* Returns 0, or -errno if the events can't be written. */
static int print_new(struct printing *printing, struct journal_reader *reader)
{
	journal_read(reader);
	if (reader->lost)
		print_lost(reader->lost, printing->json);
	for (size_t i = 0; i < reader->count && !ferror(stdout); i++)
		print_event(printing, &reader->found[i]);
	return fflush(stdout) || ferror(stdout) ? -errno : 0;
}

/* Waits for the time to look again. Returns whether somebody still reads. */
static bool wait_a_period(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	return poll(&out, 1, PERIOD) <= 0;
}

static int print_events(
	struct printing *printing, struct journal_reader *reader, bool follow)
{
	int error;

	do
		error = print_new(printing, reader);
	while (follow && !error && wait_a_period() && !stopped);
	return error;
}

static void stop_on_signals(void)
{
	const struct sigaction action = { .sa_handler = stop };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static int print_trace(const struct options *options, struct failure *failure)
{
	if (!options->count || options->json)
		return fail_as(failure, STATUS_USAGE,
			"--trace needs the name of one job, and has no JSON");
	stop_on_signals();
	return trace_print(
		stdout, options->arguments[0], options->follow ? &stopped : NULL, failure);
}

int events_command(struct options *options, int *status, struct failure *failure)
{
	_cleanup_(journal_close) struct journal_reader reader = {};
	_json_ json_t *names = json_object();
	struct printing printing = {
		.job = options->arguments[0], .json = options->json, .names = names
	};
	int error;

	(void)status;
	if (options->count > 1)
		return fail_as(failure, STATUS_USAGE, "events takes the name of one job");
	if (options->trace)
		return print_trace(options, failure);
	error = journal_open(&reader);
	if (error)
		return fail(failure, error, "cannot open the events (no job was up yet?)");
	stop_on_signals();
	error = print_events(&printing, &reader, options->follow);
	return error ? fail(failure, error, "cannot write the events") : 0;
}
