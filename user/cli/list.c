// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence list`. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "job/health.h"
#include "job/jobs.h"
#include "job/pulse.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/printable.h"
#include "lib/rate.h"

struct listing {
	const json_t *labels;
	/*
	 * The jobs as `list --json` prints them. The table is printed from them too, as a
	 * job lives only as long as its visit (job_each()).
	 */
	json_t *jobs;
	/*
	 * Proxies that were asked and may not have answered yet, and their jobs. These
	 * belong to `jobs`.
	 */
	struct pulse pulses[PULSES_MAX];
	json_t *asked[PULSES_MAX];
	size_t asked_count;
};

static int set_state(json_t *shown, enum condition condition)
{
	return json_object_set_new(shown, "state", json_string(condition_word(condition)))
		       ? -ENOMEM
		       : 0;
}

/* Waits for the answers of all proxies that were asked. */
static int settle(struct listing *listing)
{
	int error = 0;

	pulses_wait(listing->pulses, listing->asked_count);
	for (size_t i = 0; !error && i < listing->asked_count; i++)
		if (!listing->pulses[i].answered)
			error = set_state(listing->asked[i], CONDITION_STUCK);
	listing->asked_count = 0;
	return error;
}

/*
 * Asks the proxy of a job that is up, if the caller is root. Many are asked before any is
 * waited for.
 */
static int ask(struct listing *listing, const struct job *job, json_t *shown)
{
	int error;

	if (geteuid())
		return 0;
	error = pulse_begin(job, &listing->pulses[listing->asked_count]);
	if (error)
		return error == -EHOSTDOWN ? set_state(shown, CONDITION_STUCK) : 0;
	listing->asked[listing->asked_count++] = shown;
	return listing->asked_count == PULSES_MAX ? settle(listing) : 0;
}

/*
 * Adds a job of which only the name is known. The other fields are null. Only root sees
 * such jobs: others can't read every record, nor take the lock that tells which job is
 * half made.
 */
static int add_name(struct listing *listing, const char *name, const char *state)
{
	_cleanup_(job_free) struct job job = {};
	json_t *shown = job_to_json(&job);
	const char *key;
	json_t *value;

	json_object_foreach (shown, key, value)
		json_object_set_new(shown, key, json_null());
	if (json_object_set_new(shown, "job", json_string(name)) ||
		json_object_set_new(shown, "state", json_string(state))) {
		json_decref(shown);
		return -ENOMEM;
	}
	return json_array_append_new(listing->jobs, shown) ? -ENOMEM : 0;
}

static int add(const struct job *job, void *data)
{
	struct listing *listing = data;
	enum condition condition;
	json_t *shown;

	if (!job_has_labels(job, listing->labels) || (job->unreadable && geteuid()))
		return 0;
	if (job->unreadable)
		return add_name(listing, job->spec.name, "unreadable");
	condition = job_condition(job);
	/* The job ended after it was read. */
	if (condition != CONDITION_UP && !job_is_complete(&job->paths))
		return 0;
	shown = job_to_json(job);
	if (shown && set_state(shown, condition)) {
		json_decref(shown);
		return -ENOMEM;
	}
	if (json_array_append_new(listing->jobs, shown))
		return -ENOMEM;
	return condition == CONDITION_UP ? ask(listing, job, shown) : 0;
}

static int add_half_made(const char *name, void *data)
{
	return add_name(data, name, "half-made");
}

static const char *text(const json_t *job, const char *key)
{
	return json_string_value(json_object_get(job, key));
}

/*
 * Prints the age of a job in the largest unit of which it has two, as 90s, 5m, 3h, 12d.
 */
static void print_age(time_t started)
{
	static const struct {
		char letter;
		long seconds;
	} units[] = { { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };
	long age = (long)(time(NULL) - started);
	size_t i = 0;

	while (i < ARRAY_SIZE(units) - 1 && age < 2 * units[i].seconds)
		i++;
	printf(" %4ld%c", age / units[i].seconds, units[i].letter);
}

static void print_label(const char *key, const char *value)
{
	putchar(' ');
	print_foreign(stdout, key, strlen(key));
	putchar('=');
	print_foreign(stdout, value, strlen(value));
}

static void print_line(const json_t *job)
{
	const json_t *rate = json_object_get(job, "rate");
	const json_t *domain, *label;
	char shown[RATE_TEXT_MAX];
	const char *key;
	size_t i;

	if (json_is_null(rate)) {
		printf("%-24s %s\n", text(job, "job"), text(job, "state"));
		return;
	}
	printf("%-24s %-10s", text(job, "job"), text(job, "state"));
	rate_format((uint64_t)json_integer_value(json_object_get(rate, "bits_per_second")),
		shown);
	printf(" %-5s %-9s %-6s", text(job, "network"), shown, text(rate, "pacing"));
	print_age((time_t)json_integer_value(json_object_get(job, "started")));
	json_array_foreach (json_object_get(job, "domains"), i, domain)
		printf("%s%s", i ? "," : " ", json_string_value(domain));
	json_object_foreach (json_object_get(job, "labels"), key, label)
		print_label(key, json_string_value(label));
	putchar('\n');
}

int list_command(struct options *options, int *status, struct failure *failure)
{
	_json_ json_t *jobs = json_array();
	struct listing listing = { .labels = options->spec.labels, .jobs = jobs };
	const json_t *job;
	size_t i;
	int error;

	(void)status;
	if (options->count)
		return fail_as(failure, STATUS_USAGE,
			"list takes no names; see: jobfence show JOB");
	error = job_each(add, &listing, failure);
	if (!error)
		error = settle(&listing);
	if (!error && !geteuid() && !json_object_size(listing.labels))
		error = jobs_each_half_made(add_half_made, &listing, failure);
	if (error)
		return error;
	if (options->json)
		return print_json(jobs);
	if (json_array_size(jobs))
		printf("%-24s %-10s %-5s %-9s %-6s %5s %s\n", "JOB", "STATE", "NET", "RATE",
			"PACING", "AGE", "DOMAINS, LABELS");
	json_array_foreach (jobs, i, job)
		print_line(job);
	return 0;
}
