// SPDX-License-Identifier: BSD-2-Clause
/* See top_detail.h. */

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/job_lines.h"
#include "cli/log_line.h"
#include "cli/statistics.h"
#include "cli/top_detail.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/moment.h"
#include "lib/printable.h"

void top_detail_open(struct top_detail *detail, const char *name)
{
	*detail = (struct top_detail){ .log = LOG_READER_CLOSED };
	snprintf(detail->name, sizeof(detail->name), "%s", name);
	/* Without a journal there are no refusals to show. */
	(void)journal_open(&detail->journal);
}

static void forget_job(struct top_detail *detail)
{
	log_reader_close(&detail->log);
	detail->log = (struct log_reader)LOG_READER_CLOSED;
	for (size_t i = 0; i < TOP_LATEST; i++)
		free(TAKE_POINTER(detail->requests[i]));
	detail->refusal_count = detail->request_count = 0;
}

void top_detail_close(struct top_detail *detail)
{
	forget_job(detail);
	journal_close(&detail->journal);
	*detail = (struct top_detail){ .log = LOG_READER_CLOSED };
}

static void write_rates(const struct top_job *row, FILE *to)
{
	if (row->rated && row->has_proxy) {
		char down[TOP_NUMBER_MAX], up[TOP_NUMBER_MAX];

		top_format_number(row->down, down);
		top_format_number(row->up, up);
		fprintf(to, "now        %sbit/s down, %sbit/s up\n", down, up);
	}
	if (row->weighed) {
		char memory[TOP_NUMBER_MAX];

		top_format_bytes(row->memory, memory);
		fprintf(to,
			"proxy      %sB of memory, %" PRIu64 " restart%s of its worker\n",
			memory, row->counts.restarts, plural(row->counts.restarts));
	}
}

static void write_job(const struct job *job, const struct top_job *row, FILE *to)
{
	print_job(to, job, job_condition(job), row->limit);
	write_rates(row, to);
	fputs("cgroup     ", to);
	print_foreign(to, job->cgroup, strlen(job->cgroup));
	fputc('\n', to);
}

static int compare_last(const void *a, const void *b)
{
	const struct usage_refusal *left = a, *right = b;

	return (left->refusal.last < right->refusal.last) -
	       (left->refusal.last > right->refusal.last);
}

static void write_names(struct usage *usage, FILE *to)
{
	if (usage->refusal_count)
		fputs("\nrefused names, the latest first:\n", to);
	qsort(usage->refusals, usage->refusal_count, sizeof(usage->refusals[0]),
		compare_last);
	for (size_t i = 0; i < usage->refusal_count; i++) {
		const struct usage_refusal *row = &usage->refusals[i];
		char last[MOMENT_TEXT_MAX];

		moment_format(row->refusal.last, last);
		fprintf(to, "  %s %6llu  %-8s ", last,
			(unsigned long long)row->refusal.count,
			reason_word((enum reason)row->key.reason));
		print_refused_name(to, &row->key);
	}
}

static void write_domains(const struct job *job, const struct usage *usage, FILE *to)
{
	if (job->spec.domains.count)
		fputs("\ndomains:\n", to);
	for (size_t i = 0; i < job->spec.domains.count; i++) {
		char domain[DOMAIN_TEXT_SIZE];

		declared_domain_format(&job->spec.domains.list[i], domain);
		fprintf(to, "  %6llu  %s\n", (unsigned long long)usage->domains[i].requests,
			domain);
	}
}

static int keep_request(const char *line, size_t length, void *data)
{
	struct top_detail *detail = data;
	char **kept = &detail->requests[detail->request_count % TOP_LATEST];
	char *copy = strndup(line, length);

	if (!copy)
		return 0;
	free(*kept);
	*kept = copy;
	detail->request_count++;
	return 0;
}

/* A job may have no log, or none that can be read. */
static void read_requests(struct top_detail *detail, const struct job *job)
{
	struct failure ignored;

	if (detail->log.file < 0 && job->log[0])
		(void)log_reader_open(&detail->log, job->log, &ignored);
	if (detail->log.file >= 0)
		(void)log_reader_read(&detail->log, keep_request, detail);
}

static void write_requests(const struct top_detail *detail, FILE *to)
{
	size_t count = detail->request_count;

	if (count)
		fputs("\nrequests, the latest first:\n", to);
	for (size_t i = 1; i <= count && i <= TOP_LATEST; i++) {
		const char *text = detail->requests[(count - i) % TOP_LATEST];
		_json_ json_t *line = log_line_parse(text, strlen(text));

		if (!line || strcmp(log_line_job(line), detail->name) != 0)
			continue;
		fputs("  ", to);
		log_line_print(to, line);
	}
}

/* The journal has the events of all jobs. */
static void read_refusals(struct top_detail *detail, uint64_t job)
{
	if (!detail->journal.records)
		return;
	journal_read(&detail->journal);
	for (size_t i = 0; i < detail->journal.count; i++) {
		const struct event *event = &detail->journal.found[i];

		if (event->job == job && event->kind == EVENT_REFUSAL)
			detail->refusals[detail->refusal_count++ % TOP_LATEST] = *event;
	}
}

static void write_refusal(const struct event *event, FILE *to)
{
	char time[MOMENT_TEXT_MAX], to_where[sizeof(event->name)], comm[COMM_LENGTH + 1];

	moment_format(event->time, time);
	/* The proxy refuses a name, the kernel an address. */
	if (event->name[0])
		snprintf(to_where, sizeof(to_where), "%.*s", (int)sizeof(event->name) - 1,
			event->name);
	else
		address_format(&event->destination.address, to_where);
	make_printable(to_where);
	snprintf(comm, sizeof(comm), "%.*s", COMM_LENGTH, event->comm);
	make_printable(comm);
	fprintf(to, "  %s %-8s ", time, reason_word((enum reason)event->reason));
	/* A question of DNS has no process and no port. */
	if (event->pid)
		fprintf(to, "%s[%u]", comm[0] ? comm : "-", event->pid);
	else
		fputc('-', to);
	fprintf(to, " to %s", to_where[0] ? to_where : "(no host)");
	if (event->destination.port)
		fprintf(to, " port %u", ntohs(event->destination.port));
	fputc('\n', to);
}

static void write_refusals(const struct top_detail *detail, FILE *to)
{
	size_t count = detail->refusal_count;

	if (count)
		fputs("\nrefusals, the latest first:\n", to);
	for (size_t i = 1; i <= count && i <= TOP_LATEST; i++)
		write_refusal(&detail->refusals[(count - i) % TOP_LATEST], to);
}

void top_detail_write(struct top_detail *detail, const struct top_job *row, FILE *to)
{
	_cleanup_(job_free) struct job job = {};
	_cleanup_(usage_free) struct usage *usage = NULL;
	struct failure failure = {};
	int error = row ? job_read(&job, detail->name, &failure) : -ENOENT;

	if (error) {
		fprintf(to, "the job has ended, or can't be read\n");
		return;
	}
	write_job(&job, row, to);
	error = usage_read(&job, &usage, &failure);
	if (error || !usage) {
		fprintf(to, "%s\n", failure.text);
		return;
	}
	if (detail->id != job.id)
		forget_job(detail);
	detail->id = job.id;
	read_refusals(detail, job.id);
	read_requests(detail, &job);
	if (job.proxy_id)
		statistics_print(to, usage);
	write_requests(detail, to);
	write_names(usage, to);
	write_refusals(detail, to);
	write_domains(&job, usage, to);
}
