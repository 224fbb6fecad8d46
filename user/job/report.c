// SPDX-License-Identifier: BSD-2-Clause
/* See report.h. */

#include <errno.h>
#include <sys/wait.h>

#include "job/report.h"
#include "job/statistics_json.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/moment.h"
#include "node/attach.h"
#include "node/filtered.h"

static json_t *counters_to_json(const struct job_counters *counters, uint64_t delay)
{
	return json_pack("{s:o, s:I, s:I, s:I, s:I, s:I}", "refused",
		refused_to_json(counters->refused), "paced_packets",
		(json_int_t)counters->paced_packets, "paced_bytes",
		(json_int_t)counters->paced_bytes, "marked_packets",
		(json_int_t)counters->marked_packets, "dropped_packets",
		(json_int_t)counters->refused[REASON_HORIZON], "delay_microseconds",
		(json_int_t)(delay / 1000));
}

static json_t *refusals_to_json(const struct usage *usage)
{
	json_t *array = json_array();

	for (size_t i = 0; i < usage->refusal_count; i++) {
		const struct usage_refusal *row = &usage->refusals[i];

		json_array_append_new(
			array, json_pack("{s:s, s:s%, s:I}", "reason",
				       reason_word((enum reason)row->key.reason), "name",
				       row->key.name, (size_t)row->key.length, "count",
				       (json_int_t)row->refusal.count));
	}
	return array;
}

/* An object with a value for each declared domain. */
static json_t *by_domain(const struct job *job, const struct usage *usage,
	json_t *read(const struct domain_use *use))
{
	json_t *object = json_object();

	for (size_t i = 0; i < job->spec.domains.count; i++) {
		char domain[DOMAIN_TEXT_SIZE];

		declared_domain_format(&job->spec.domains.list[i], domain);
		json_object_set_new(object, domain, read(&usage->domains[i]));
	}
	return object;
}

static json_t *requests_to_json(const struct domain_use *use)
{
	return json_integer((json_int_t)use->requests);
}

static json_t *bytes_to_json(const struct domain_use *use)
{
	return json_pack("{s:I, s:I}", "received", (json_int_t)use->received, "sent",
		(json_int_t)use->sent);
}

/* How often the proxy lost its worker, and when it last did. */
static json_t *restarts_to_json(const struct usage *usage)
{
	const struct job_counters *proxy = &usage->proxy;
	bool any = proxy->workers_ended > 0;
	int status = (int)proxy->worker_status;
	char time[MOMENT_TEXT_MAX];

	moment_format(proxy->worker_ended, time);
	return json_pack("{s:I, s:s?, s:o, s:o}", "count", (json_int_t)proxy->workers_ended,
		"last", any ? time : NULL, "signal",
		number_or_null(any && WIFSIGNALED(status), WTERMSIG(status)), "status",
		number_or_null(any && WIFEXITED(status), WEXITSTATUS(status)));
}

/* The names that a learning job used. null: it does not learn. */
static json_t *learned_to_json(const struct usage *usage)
{
	const struct learned *learned = usage->learned;
	json_t *array = learned ? json_array() : json_null();

	for (size_t i = 0; learned && i < learned->count; i++)
		json_array_append_new(
			array, json_pack("{s:s, s:I}", "name",
				       learned->domains[i].domain.host.name, "count",
				       (json_int_t)learned->domains[i].count));
	return array;
}

/* The rules for the requests that it made inside opened TLS. null: it does not learn. */
static json_t *learned_rules_to_json(const struct usage *usage)
{
	const struct learned_rules *rules = usage->learned_rules;
	json_t *array = rules ? json_array() : json_null();

	for (size_t i = 0; rules && i < rules->count; i++)
		json_array_append_new(
			array, json_pack("{s:s, s:I}", "rule", rules->list[i].text, "count",
				       (json_int_t)rules->list[i].count));
	return array;
}

/* How many processes have a filter of system calls. null: that can't be seen. */
static json_t *filtered_to_json(const struct job *job)
{
	struct filtered count;

	if (filtered_count(job->id, &count))
		return json_null();
	return json_pack("{s:I, s:I}", "processes", (json_int_t)count.processes, "filtered",
		(json_int_t)count.filtered);
}

/* Which locks hold for the job. null: the network is full, and nothing is refused. */
static json_t *locks_to_json(const struct job *job)
{
	struct attached attached;

	if (job->spec.network == NETWORK_FULL)
		return json_null();
	attached = attach_look(&job->paths, job->id);
	return json_pack("{s:b, s:b, s:b, s:b, s:o, s:s}", "sockets", attached.sockets,
		"packets", attached.packets, "lsm", attached.lsm, "namespace",
		!job->host_netns, "seccomp", filtered_to_json(job), "pacing",
		pacing_name(job->pacing));
}

static json_t *connections_to_json(const struct usage *usage)
{
	return json_integer((json_int_t)usage->job.connections);
}

static json_t *unmatched_to_json(const struct usage *usage)
{
	return json_integer((json_int_t)usage->job.unmatched);
}

static json_t *lost_to_json(const struct usage *usage)
{
	return json_integer(
		(json_int_t)(usage->job.events_lost + usage->proxy.events_lost));
}

static json_t *upload_to_json(const struct usage *usage)
{
	return counters_to_json(&usage->job, usage->upload_delay);
}

static json_t *download_to_json(const struct usage *usage)
{
	return counters_to_json(&usage->proxy, usage->download_delay);
}

/* What is read from the job's maps. */
static const struct {
	const char *name;
	json_t *(*read)(const struct usage *usage);
} fields[] = {
	{ "connections", connections_to_json },
	{ "unmatched", unmatched_to_json },
	{ "upload", upload_to_json },
	{ "download", download_to_json },
	{ "restarts", restarts_to_json },
	{ "learned", learned_to_json },
	{ "learned_rules", learned_rules_to_json },
	{ "events_lost", lost_to_json },
	{ "refusals", refusals_to_json },
};

/* Adds what the record lacks. `job` and `usage` are NULL if they are not known. */
static int add_fields(
	json_t *json, const char *state, const struct job *job, const struct usage *usage)
{
	bool proxy = usage && job->proxy_id;

	if (json_object_set_new(json, "state", json_string(state)) ||
		json_object_set_new(
			json, "locks", job ? locks_to_json(job) : json_null()) ||
		json_object_set_new(json, "statistics",
			proxy ? statistics_to_json(usage) : json_null()) ||
		json_object_set_new(json, "hits",
			usage ? by_domain(job, usage, requests_to_json) : json_null()) ||
		json_object_set_new(json, "domain_bytes",
			usage ? by_domain(job, usage, bytes_to_json) : json_null()))
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (json_object_set_new(json, fields[i].name,
			    usage ? fields[i].read(usage) : json_null()))
			return -ENOMEM;
	return 0;
}

json_t *job_report(const struct job *job, const char *state, const struct usage *usage)
{
	_json_ json_t *json = job_to_json(job);

	return add_fields(json, state, job, usage) ? NULL : TAKE_POINTER(json);
}

json_t *job_report_name(const char *name, const char *state)
{
	_json_ json_t *json = job_name_to_json(name);

	return add_fields(json, state, NULL, NULL) ? NULL : TAKE_POINTER(json);
}
