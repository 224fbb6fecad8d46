// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence list`. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/job_lines.h"
#include "job/health.h"
#include "job/jobs.h"
#include "job/pulse.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/moment.h"
#include "lib/rate.h"
#include "node/cgroup.h"

/* A job, as far as it is printed. It lives only as long as its visit (job_each()). */
struct row {
	char name[JOB_NAME_MAX + 1];
	const char *state;
	char *rest;   /* what the table says after the state; NULL: nothing is known */
	json_t *json; /* all but the state; NULL without --json */
};

struct listing {
	const json_t *labels;
	bool json;
	struct row *rows;
	size_t count;
	/*
	 * Proxies that were asked and may not have answered yet, and the rows of their
	 * jobs.
	 */
	struct pulse pulses[PULSES_MAX];
	size_t asked[PULSES_MAX];
	size_t asked_count;
};

static void listing_free(struct listing *listing)
{
	for (size_t i = 0; i < listing->count; i++) {
		free(listing->rows[i].rest);
		json_decref(listing->rows[i].json);
	}
	free(listing->rows);
}

/* Waits for the answers of all proxies that were asked. */
static void settle(struct listing *listing)
{
	pulses_wait(listing->pulses, listing->asked_count);
	for (size_t i = 0; i < listing->asked_count; i++)
		if (!listing->pulses[i].answered)
			listing->rows[listing->asked[i]].state =
				condition_word(CONDITION_STUCK);
	listing->asked_count = 0;
}

/*
 * Asks the proxy of the last job, which is up, if the caller is root. Many are asked before
 * any is waited for.
 */
static void ask(struct listing *listing, const struct job *job)
{
	size_t last = listing->count - 1;
	int error;

	if (geteuid())
		return;
	error = pulse_begin(job, &listing->pulses[listing->asked_count]);
	if (error == -EHOSTDOWN)
		listing->rows[last].state = condition_word(CONDITION_STUCK);
	if (error)
		return;
	listing->asked[listing->asked_count++] = last;
	if (listing->asked_count == PULSES_MAX)
		settle(listing);
}

/* Adds a row without a text. Returns it, or NULL if there is no memory. */
static struct row *add_row(struct listing *listing, const char *name, const char *state)
{
	/* Room for twice as many, at each power of two. */
	bool full = !(listing->count & (listing->count - 1));
	struct row *rows =
		full ? reallocarray(listing->rows, 2 * listing->count + 1, sizeof(*rows))
		     : listing->rows;
	struct row *row;

	if (!rows)
		return NULL;
	listing->rows = rows;
	row = &rows[listing->count++];
	*row = (struct row){ .state = state };
	snprintf(row->name, sizeof(row->name), "%s", name);
	return row;
}

/*
 * Adds a job of which only the name is known. The other fields are null. Only root sees
 * such jobs: others can't read every record, nor take the lock that tells which job is
 * half made.
 */
static int add_name(struct listing *listing, const char *name, const char *state)
{
	struct row *row = add_row(listing, name, state);

	if (!row)
		return -ENOMEM;
	if (!listing->json)
		return 0;
	row->json = job_name_to_json(name);
	return json_object_set_new(row->json, "processes", json_null()) ? -ENOMEM : 0;
}

/* Formats what the table says of a job after its state. Returns NULL without memory. */
static char *format_rest(const struct job *job)
{
	char domain[DOMAIN_TEXT_SIZE], rate[RATE_TEXT_MAX], age[DURATION_TEXT_MAX];
	char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	if (!file)
		return NULL;
	rate_format(job->spec.rate, rate);
	duration_format(time(NULL) - job->started, age);
	fprintf(file, " %-5s %-9s %-6s %5s", network_name(job->spec.network), rate,
		pacing_name(job->pacing), age);
	for (size_t i = 0; i < job->spec.domains.count; i++) {
		declared_domain_format(&job->spec.domains.list[i], domain);
		fprintf(file, "%s%s", i ? "," : " ", domain);
	}
	print_labels(file, job->spec.labels);
	if (!fclose(file))
		return text;
	free(text);
	return NULL;
}

static json_t *row_to_json(const struct job *job)
{
	json_t *json = job_to_json(job);
	int populated = geteuid() ? -EPERM : cgroup_is_populated(job->id);

	if (json_object_set_new(json, "processes",
		    populated < 0 ? json_null() : json_boolean(populated))) {
		json_decref(json);
		return NULL;
	}
	return json;
}

static int add(const struct job *job, void *data)
{
	struct listing *listing = data;
	enum condition condition;
	struct row *row;

	if (!spec_has_labels(&job->spec, listing->labels) || (job->unreadable && geteuid()))
		return 0;
	if (job->unreadable)
		return add_name(listing, job->spec.name, "unreadable");
	condition = job_condition(job);
	/* The job ended after it was read. */
	if (condition != CONDITION_UP && !job_is_complete(&job->paths))
		return 0;
	row = add_row(listing, job->spec.name, condition_word(condition));
	if (!row)
		return -ENOMEM;
	if (listing->json)
		row->json = row_to_json(job);
	else
		row->rest = format_rest(job);
	if (!row->json && !row->rest)
		return -ENOMEM;
	if (condition == CONDITION_UP)
		ask(listing, job);
	return 0;
}

static int add_half_made(const char *name, void *data)
{
	return add_name(data, name, "half-made");
}

static int print_rows_as_json(const struct listing *listing)
{
	_json_ json_t *array = json_array();

	for (size_t i = 0; i < listing->count; i++) {
		const struct row *row = &listing->rows[i];

		if (json_object_set_new(row->json, "state", json_string(row->state)) ||
			json_array_append(array, row->json))
			return -ENOMEM;
	}
	return print_json(array);
}

static void print_rows(const struct listing *listing)
{
	if (listing->count)
		printf("%-24s %-10s %-5s %-9s %-6s %5s %s\n", "JOB", "STATE", "NET", "RATE",
			"PACING", "AGE", "DOMAINS, LABELS");
	for (size_t i = 0; i < listing->count; i++) {
		const struct row *row = &listing->rows[i];

		if (row->rest)
			printf("%-24s %-10s%s\n", row->name, row->state, row->rest);
		else
			printf("%-24s %s\n", row->name, row->state);
	}
}

int list_command(struct options *options, int *status, struct failure *failure)
{
	_cleanup_(listing_free) struct listing listing = { .labels = options->spec.labels,
		.json = options->json };
	int error;

	(void)status;
	if (options->count)
		return fail_as(failure, STATUS_USAGE,
			"list takes no names; see: jobfence show JOB");
	error = job_each(add, &listing, failure);
	settle(&listing);
	if (!error && !geteuid() && !json_object_size(listing.labels))
		error = jobs_each_half_made(add_half_made, &listing, failure);
	if (error)
		return error;
	if (options->json)
		return print_rows_as_json(&listing);
	print_rows(&listing);
	return 0;
}
