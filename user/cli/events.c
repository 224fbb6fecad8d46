// SPDX-License-Identifier: BSD-2-Clause
/*
 * `jobfence events`: prints the journal of events. Each reader has a place of its own, so
 * printing takes nothing from others.
 */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>

#include "cli/command.h"
#include "cli/journald.h"
#include "cli/stop.h"
#include "cli/trace.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/moment.h"
#include "node/journal.h"

#define PERIOD 100 /* ms after which a follower looks again */

struct printing {
	const char *job; /* NULL: every job */
	uint64_t since;	 /* ns of CLOCK_BOOTTIME: older events are left out */
	bool json, follow, journald;
	bool known; /* an event of the job was found, even if it was left out */
	struct journal_reader reader;
	struct news news;
};

static void printing_end(struct printing *printing)
{
	journal_close(&printing->reader);
	news_free(&printing->news);
}

/* Each returns 0 or -errno. The output may still be in the buffer. */

static int print_event(const struct printing *printing, const struct event_shown *shown)
{
	char time[MOMENT_TEXT_MAX];

	if (printing->journald)
		return journald_send(shown);
	if (printing->json) {
		_json_ json_t *line = event_to_json(shown);

		return print_json(line);
	}
	moment_format(shown->event->time, time);
	printf("%s ", time);
	event_print(stdout, shown);
	return putchar('\n') == EOF ? -errno : 0;
}

/* The lost ones may be of any job. */
static int print_lost(const struct printing *printing, uint64_t count)
{
	const char *format =
		printing->json ? "{\"kind\":\"lost\",\"count\":%llu}\n"
			       : "%llu events were lost: later ones had replaced them\n";

	if (printing->journald)
		return journald_send_lost(count);
	return printf(format, (unsigned long long)count) < 0 ? -errno : 0;
}

static int print_wanted(struct printing *printing, const struct event *event)
{
	const struct event_shown shown = { .event = event,
		.line = news_find(&printing->news, event) };
	const char *job = event_job(&shown);

	if (printing->job && (!job || strcmp(job, printing->job)))
		return 0;
	printing->known = true;
	return event->time < printing->since ? 0 : print_event(printing, &shown);
}

/* Returns 0, or -errno if the events can't be written. */
static int print_new(struct printing *printing)
{
	struct journal_reader *reader = &printing->reader;
	bool follows = reader->began;
	int error = 0;

	journal_read(reader);
	/* The news of an event were written before the event. */
	if (reader->count)
		error = news_read(&printing->news);
	/* An event that was replaced before this reader began is no loss of its own. */
	if (!error && follows && reader->lost)
		error = print_lost(printing, reader->lost);
	for (size_t i = 0; i < reader->count && !error; i++)
		error = print_wanted(printing, &reader->found[i]);
	/* errno tells more than an error of print_json(). */
	if (fflush(stdout))
		return -errno;
	return error;
}

/*
 * Waits for the time to look again. Returns whether somebody still reads. journald does, as
 * far as anybody knows.
 */
static bool wait_a_period(const struct printing *printing)
{
	struct pollfd out = { .fd = printing->journald ? -1 : STDOUT_FILENO };

	return poll(&out, 1, PERIOD) <= 0 && !stopped;
}

static int print_events(struct printing *printing)
{
	int error;

	do
		error = print_new(printing);
	while (printing->follow && !error && !stopped && wait_a_period(printing));
	if (!error && !printing->follow && printing->job && !printing->known)
		fprintf(stderr, "jobfence: no events of a job %s are kept\n",
			printing->job);
	if (!error || !stopped)
		return error;
	/* The signal ended a write that nobody took. The end would try it again. */
	__fpurge(stdout);
	return 0;
}

/* A follower waits for the first job. Returns 0 or -errno. */
static int open_journal(struct printing *printing)
{
	int error = journal_open(&printing->reader);

	while (error == -ENOENT && printing->follow && wait_a_period(printing))
		error = journal_open(&printing->reader);
	return error;
}

static int print_trace(const struct options *options, struct failure *failure)
{
	if (!options->count || options->json || options->since || options->journal)
		return fail_as(failure, STATUS_USAGE,
			"--trace needs the name of one job, and takes only --follow");
	stop_on_signals();
	return trace_print(
		stdout, options->arguments[0], options->follow ? &stopped : NULL, failure);
}

int events_command(struct options *options, int *status, struct failure *failure)
{
	_cleanup_(printing_end) struct printing printing = { .job = options->arguments[0],
		.since = options->since,
		.json = options->json,
		.journald = options->journal,
		.follow = options->follow };
	int error;

	(void)status;
	if (options->count > 1)
		return fail_as(failure, STATUS_USAGE, "events takes the name of one job");
	if (options->trace)
		return print_trace(options, failure);
	if (options->journal && options->json)
		return fail_as(failure, STATUS_USAGE, "give --json or --journal, not both");
	error = options->journal ? journald_open(failure) : 0;
	if (error)
		return error;
	stop_on_signals();
	error = open_journal(&printing);
	if (error == -ENOENT) {
		if (!printing.follow)
			fputs("jobfence: there are no events yet, as no job was up\n",
				stderr);
		return 0;
	}
	if (error)
		return fail(failure, error, "cannot open the events");
	error = print_events(&printing);
	return error ? fail(failure, error, "cannot write the events") : 0;
}
