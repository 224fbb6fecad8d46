// SPDX-License-Identifier: BSD-2-Clause
/*
 * See metrics_text.h. All samples of a metric stand together. So the numbers of all jobs
 * are read first, and then written once for each metric. A job's name is the only text in a
 * label that a job's owner chose, and it has no character that would have to be escaped. A
 * reason and a histogram appear with their first event, so an idle job has few samples.
 */

#include <errno.h>
#include <string.h>

#include "cli/metrics_text.h"
#include "job/health.h"
#include "job/jobs.h"
#include "job/usage.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/rate.h"

/* One job. What can't be read of a job of another version is zero. */
struct row {
	char job[JOB_NAME_MAX + 1];
	bool up, counted, has_proxy;
	time_t started;
	uint64_t rate, up_milliseconds;
	struct job_counters programs, proxy;
	struct proxy_statistics statistics;
	uint64_t refused[REASON_COUNT];
	uint64_t throttled[2]; /* upload, download */
};

struct metrics {
	FILE *out;
	bool openmetrics;
	struct row *rows;
	size_t count, room;
	bool any_read; /* of the jobs */
	int error;     /* of a job that could not be read, -errno */
	struct failure *failure;
};

enum kind { GAUGE, COUNTER, INFO, HISTOGRAM };

struct family {
	const char *name; /* as in OpenMetrics */
	enum kind kind;
	const char *help;
	void (*write)(const struct metrics *metrics, const struct family *family,
		const struct row *row);
	size_t field; /* offset in struct row */
};

static const char *suffix(enum kind kind)
{
	return kind == COUNTER ? "_total" : kind == INFO ? "_info" : "";
}

static void begin_family(const struct metrics *metrics, const struct family *family)
{
	static const char *const types[][2] = { [GAUGE] = { "gauge", "gauge" },
		[COUNTER] = { "counter", "counter" },
		[INFO] = { "gauge", "info" },
		[HISTOGRAM] = { "histogram", "histogram" } };
	const char *end = metrics->openmetrics ? "" : suffix(family->kind);

	fprintf(metrics->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", family->name, end,
		family->help, family->name, end, types[family->kind][metrics->openmetrics]);
}

/* Begins a sample of a job. The caller writes the rest of the line. */
static void begin_sample(
	const struct metrics *metrics, const struct family *family, const struct row *row)
{
	fprintf(metrics->out, "%s%s{job=\"%s\"", family->name, suffix(family->kind),
		row->job);
}

static const uint64_t *number_of(const struct family *family, const struct row *row)
{
	return (const uint64_t *)(const void *)((const char *)row + family->field);
}

static void write_number(
	const struct metrics *metrics, const struct family *family, const struct row *row)
{
	if (!row->counted)
		return;
	begin_sample(metrics, family, row);
	fprintf(metrics->out, "} %llu\n", (unsigned long long)*number_of(family, row));
}

/* A number that only jobs with a proxy have. */
static void write_proxy_number(
	const struct metrics *metrics, const struct family *family, const struct row *row)
{
	if (row->has_proxy)
		write_number(metrics, family, row);
}

static void write_job_up(
	const struct metrics *metrics, const struct family *family, const struct row *row)
{
	begin_sample(metrics, family, row);
	fprintf(metrics->out, "} %d\n", row->up);
}

static void write_started(
	const struct metrics *metrics, const struct family *family, const struct row *row)
{
	begin_sample(metrics, family, row);
	fprintf(metrics->out, "} %lld\n", (long long)row->started);
}

static void write_rate(
	const struct metrics *metrics, const struct family *family, const struct row *row)
{
	if (!row->rate)
		return;
	begin_sample(metrics, family, row);
	fprintf(metrics->out, "} %llu\n", (unsigned long long)row->rate / BITS_PER_BYTE);
}

static void write_answers(
	const struct metrics *metrics, const struct family *family, const struct row *row)
{
	for (unsigned class = 0; row->has_proxy && class < ANSWER_CLASSES; class ++) {
		begin_sample(metrics, family, row);
		fprintf(metrics->out, ",class=\"%s\"} %llu\n", answer_word(class),
			(unsigned long long)row->statistics.answers[class]);
	}
}

static void write_failures(
	const struct metrics *metrics, const struct family *family, const struct row *row)
{
	for (unsigned cause = 0; row->has_proxy && cause < CAUSE_COUNT; cause++) {
		begin_sample(metrics, family, row);
		fprintf(metrics->out, ",reason=\"%s\"} %llu\n", cause_word(cause),
			(unsigned long long)row->statistics.failures[cause]);
	}
}

static void write_refused(
	const struct metrics *metrics, const struct family *family, const struct row *row)
{
	for (int reason = 1; reason < REASON_COUNT; reason++) {
		if (!row->refused[reason])
			continue;
		begin_sample(metrics, family, row);
		fprintf(metrics->out, ",reason=\"%s\"} %llu\n",
			reason_word((enum reason)reason),
			(unsigned long long)row->refused[reason]);
	}
}

static void write_throttled(
	const struct metrics *metrics, const struct family *family, const struct row *row)
{
	static const char *const words[] = { "upload", "download" };

	for (size_t i = 0; row->has_proxy && i < ARRAY_SIZE(words); i++) {
		begin_sample(metrics, family, row);
		fprintf(metrics->out, ",direction=\"%s\"} %.9f\n", words[i],
			(double)row->throttled[i] / SECOND);
	}
}

/* Writes the histogram of a job, or of the node if there is no row. */
static void write_buckets(const struct metrics *metrics, const struct family *family,
	const struct row *row, const struct histogram *histogram)
{
	char own[JOB_NAME_MAX + sizeof("{job=\"\"}")] = "", first[sizeof(own)] = "";
	unsigned long long count = 0;

	if (row) {
		snprintf(own, sizeof(own), "{job=\"%s\"}", row->job);
		snprintf(first, sizeof(first), "job=\"%s\",", row->job);
	}
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		count += histogram->buckets[i];
		fprintf(metrics->out, "%s_bucket{%sle=\"", family->name, first);
		if (i < HISTOGRAM_BUCKETS - 1)
			fprintf(metrics->out, "%g\"} %llu\n", histogram_bound(i) / 1000.0,
				count);
		else
			fprintf(metrics->out, "+Inf\"} %llu\n", count);
	}
	fprintf(metrics->out, "%s_sum%s %.9f\n%s_count%s %llu\n", family->name, own,
		(double)histogram->sum / SECOND, family->name, own, count);
}

static void write_histogram(
	const struct metrics *metrics, const struct family *family, const struct row *row)
{
	const struct histogram *histogram =
		(const struct histogram *)(const void *)number_of(family, row);

	if (histogram->sum)
		write_buckets(metrics, family, row, histogram);
}

#define FIELD(name) offsetof(struct row, name)
static const struct family families[] = {
	{ "jobfence_job_up", GAUGE, "Whether all of the job's fence stands.", write_job_up,
		0 },
	{ "jobfence_job_start_time_seconds", GAUGE, "When the job was set up, since 1970.",
		write_started, 0 },
	{ "jobfence_rate_bytes", GAUGE,
		"Bytes per second that the job may have in each direction.", write_rate,
		0 },
	{ "jobfence_requests", COUNTER, "Requests over plain HTTP to hosts it may reach.",
		write_proxy_number, FIELD(statistics.requests) },
	{ "jobfence_tunnels", COUNTER, "TLS connections to hosts it may reach.",
		write_proxy_number, FIELD(statistics.tunnels) },
	{ "jobfence_answers", COUNTER, "Answers of sites, by the class of their status.",
		write_answers, 0 },
	{ "jobfence_failures", COUNTER,
		"Requests and tunnels that got no answer of their site.", write_failures,
		0 },
	{ "jobfence_refused", COUNTER, "What the fence refused, in the kernel and outside.",
		write_refused, 0 },
	{ "jobfence_receive_bytes", COUNTER, "Payload that the job received.",
		write_proxy_number, FIELD(statistics.received) },
	{ "jobfence_transmit_bytes", COUNTER, "Payload that the job sent.",
		write_proxy_number, FIELD(statistics.sent) },
	{ "jobfence_connections", GAUGE, "Open connections of the job to its proxy.",
		write_proxy_number, FIELD(statistics.open) },
	{ "jobfence_connections_peak", GAUGE, "The most that were open at once.",
		write_proxy_number, FIELD(statistics.open_most) },
	{ "jobfence_redirected_connections", COUNTER,
		"Connections that the kernel redirected to the proxy.", write_proxy_number,
		FIELD(programs.connections) },
	{ "jobfence_throttled_seconds", COUNTER,
		"Time in which the throttle held bytes back.", write_throttled, 0 },
	{ "jobfence_lookups", COUNTER, "Names that the proxy looked up.",
		write_proxy_number, FIELD(statistics.lookups) },
	{ "jobfence_resolver_failures", COUNTER, "Failures of the node's resolvers.",
		write_proxy_number, FIELD(statistics.resolver_failures) },
	{ "jobfence_worker_restarts", COUNTER, "Ends of the proxy's worker.",
		write_proxy_number, FIELD(proxy.workers_ended) },
	{ "jobfence_events_lost", COUNTER, "Events of the job that found no room.",
		write_number, FIELD(programs.events_lost) },
	{ "jobfence_request_duration_seconds", HISTOGRAM,
		"From the end of a request's head to the end of its answer.",
		write_histogram, FIELD(statistics.duration) },
	{ "jobfence_first_byte_seconds", HISTOGRAM,
		"From a request or the name of a tunnel to the site's answer.",
		write_histogram, FIELD(statistics.first_byte) },
	{ "jobfence_dns_seconds", HISTOGRAM, "Of questions to the node's resolvers.",
		write_histogram, FIELD(statistics.dns) },
};
#undef FIELD

static void write_node(const struct metrics *metrics)
{
	static const struct family
		build = { "jobfence_build", INFO, "The version of jobfence." },
		jobs = { "jobfence_jobs", GAUGE, "Jobs of this node." },
		up = { "jobfence_up_seconds", HISTOGRAM,
			"How long `up` took, of the jobs that are there now." };
	struct histogram histogram = {};

	for (size_t i = 0; i < metrics->count; i++) {
		uint64_t time = metrics->rows[i].up_milliseconds * MILLISECOND;

		/* It is not known of a job that another version made. */
		if (!time)
			continue;
		histogram.buckets[histogram_bucket(time)]++;
		histogram.sum += time;
	}
	begin_family(metrics, &build);
	fprintf(metrics->out, "jobfence_build_info{version=\"" VERSION "\"} 1\n");
	begin_family(metrics, &jobs);
	fprintf(metrics->out, "jobfence_jobs %zu\n", metrics->count);
	begin_family(metrics, &up);
	write_buckets(metrics, &up, NULL, &histogram);
}

static void fill(struct row *row, const struct usage *usage)
{
	row->counted = true;
	row->programs = usage->job;
	row->proxy = usage->proxy;
	row->programs.events_lost += usage->proxy.events_lost;
	row->statistics = usage->statistics;
	for (int reason = 1; reason < REASON_COUNT; reason++)
		row->refused[reason] = usage_refused_for(usage, (enum reason)reason);
	row->throttled[0] = usage->throttled_upload;
	row->throttled[1] = usage->throttled_download;
}

static int add(const struct job *job, void *data)
{
	_cleanup_(usage_free) struct usage *usage = NULL;
	struct metrics *metrics = data;
	struct row *row;
	int error;

	if (metrics->count == metrics->room) {
		size_t room = metrics->room ? 2 * metrics->room : 16;
		struct row *rows = reallocarray(metrics->rows, room, sizeof(*rows));

		if (!rows)
			return -ENOMEM;
		metrics->rows = rows;
		metrics->room = room;
	}
	row = &metrics->rows[metrics->count];
	*row = (struct row){ .started = job->started,
		.rate = job->spec.rate,
		.up_milliseconds = (uint64_t)job->up_milliseconds,
		.up = !job->unreadable && job_condition(job) == CONDITION_UP,
		.has_proxy = job->proxy_id };
	memcpy(row->job, job->spec.name, sizeof(row->job));
	error = job->unreadable || job->abi != FENCE_ABI
			? 0
			: usage_read_numbers(job, &usage, metrics->failure);
	/*
	 * Without its pins, the job is not up. It may also have ended meanwhile. One odd
	 * job takes no metrics from the others.
	 */
	if (error && error != -ENOENT)
		metrics->error = error;
	else
		metrics->any_read = true;
	if (usage)
		fill(row, usage);
	row->has_proxy &= row->counted;
	metrics->count += !error || job_is_complete(&job->paths);
	return 0;
}

int metrics_write(FILE *out, bool openmetrics, struct failure *failure)
{
	struct metrics metrics = {
		.out = out, .openmetrics = openmetrics, .failure = failure
	};
	int error = job_each(add, &metrics, failure);

	if (!error && !metrics.any_read)
		error = metrics.error;
	if (!error) {
		*failure = (struct failure){};
		write_node(&metrics);
	}
	for (size_t i = 0; !error && i < ARRAY_SIZE(families); i++) {
		begin_family(&metrics, &families[i]);
		for (size_t k = 0; k < metrics.count; k++)
			families[i].write(&metrics, &families[i], &metrics.rows[k]);
	}
	if (!error && openmetrics)
		fputs("# EOF\n", out);
	free(metrics.rows);
	return error;
}
