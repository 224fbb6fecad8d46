// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence show`. */

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "cli/advice.h"
#include "cli/command.h"
#include "job/health.h"
#include "job/pulse.h"
#include "job/usage.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/moment.h"
#include "lib/printable.h"
#include "lib/rate.h"
#include "node/attach.h"
#include "node/lock.h"

static json_t *reasons_to_json(const struct job_counters *counters)
{
	json_t *object = json_object();

	for (int reason = 1; reason < REASON_COUNT; reason++)
		if (counters->refused[reason])
			json_object_set_new(object, reason_word((enum reason)reason),
				json_integer((json_int_t)counters->refused[reason]));
	return object;
}

static json_t *counters_to_json(const struct job_counters *counters, uint64_t delay)
{
	return json_pack("{s:o, s:I, s:I, s:I, s:I, s:I}", "refused",
		reasons_to_json(counters), "paced_packets",
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

static json_t *hits_to_json(const struct job *job, const struct usage *usage)
{
	json_t *object = json_object();

	for (size_t i = 0; i < job->spec.domains.count; i++) {
		char domain[NAME_LENGTH_MAX + 3];

		declared_domain_format(&job->spec.domains.list[i], domain);
		json_object_set_new(
			object, domain, json_integer((json_int_t)usage->hits[i]));
	}
	return object;
}

/* How often the proxy lost its worker, and when it last did. */
static json_t *restarts_to_json(const struct job_counters *proxy)
{
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
static json_t *learned_to_json(const struct learned *learned)
{
	json_t *array = learned ? json_array() : json_null();

	for (size_t i = 0; learned && i < learned->count; i++)
		json_array_append_new(
			array, json_pack("{s:s, s:I}", "name",
				       learned->domains[i].domain.host.name, "count",
				       (json_int_t)learned->domains[i].count));
	return array;
}

/*
 * Which locks hold for the job. null: the network is full, and nothing is refused. The
 * filter of system calls is none of them: it is a process that has one, and not the job.
 * To see what a filter refuses, one has to trace the process (ptrace(2)).
 */
static json_t *locks_to_json(const struct job *job)
{
	struct attached attached;

	if (job->spec.network == NETWORK_FULL)
		return json_null();
	attached = attach_look(&job->paths, job->id);
	return json_pack("{s:b, s:b, s:b, s:b, s:s}", "sockets", attached.sockets,
		"packets", attached.packets, "lsm", attached.lsm, "namespace",
		!job->host_netns, "pacing", pacing_name(job->pacing));
}

static void print_locks(const struct job *job)
{
	const char *const words[] = { "no", "yes" };
	struct attached attached;

	if (job->spec.network == NETWORK_FULL) {
		printf("locks      none: the network is full\n");
		return;
	}
	attached = attach_look(&job->paths, job->id);
	printf("locks      socket hooks %s, packet filter %s, BPF LSM %s, namespace %s\n",
		words[attached.sockets], words[attached.packets], words[attached.lsm],
		words[!job->host_netns]);
}

static int print_all(const struct job *job, enum condition condition,
	const struct usage *usage, struct failure *failure)
{
	_json_ json_t *json = job_to_json(job);

	if (!json ||
		json_object_set_new(
			json, "state", json_string(condition_word(condition))) ||
		json_object_set_new(json, "locks", locks_to_json(job)) ||
		json_object_set_new(json, "connections",
			json_integer((json_int_t)usage->job.connections)) ||
		json_object_set_new(json, "unmatched",
			json_integer((json_int_t)usage->job.unmatched)) ||
		json_object_set_new(json, "upload",
			counters_to_json(&usage->job, usage->upload_delay)) ||
		json_object_set_new(json, "download",
			counters_to_json(&usage->proxy, usage->download_delay)) ||
		json_object_set_new(json, "restarts", restarts_to_json(&usage->proxy)) ||
		json_object_set_new(json, "hits", hits_to_json(job, usage)) ||
		json_object_set_new(json, "learned", learned_to_json(usage->learned)) ||
		json_object_set_new(json, "events_lost",
			json_integer((json_int_t)(usage->job.events_lost +
						  usage->proxy.events_lost))) ||
		json_object_set_new(json, "refusals", refusals_to_json(usage)))
		return fail(failure, -ENOMEM, "job %s", job->spec.name);
	return print_json(json);
}

static void print_counters(const char *who, const struct job_counters *counters)
{
	/* print_throttle() tells what the throttle dropped. */
	for (int reason = 1; reason < REASON_COUNT; reason++)
		if (counters->refused[reason] && reason != REASON_HORIZON)
			printf("  %-8s %6llu  %s\n", who,
				(unsigned long long)counters->refused[reason],
				reason_text((enum reason)reason));
}

static void print_throttle(
	const char *direction, const struct job_counters *counters, uint64_t delay)
{
	printf("%-10s %llu bytes paced, %llu packets marked, %llu dropped, %llu ms behind\n",
		direction, (unsigned long long)counters->paced_bytes,
		(unsigned long long)counters->marked_packets,
		(unsigned long long)counters->refused[REASON_HORIZON],
		(unsigned long long)delay / 1000000);
}

static void print_restarts(const struct job_counters *proxy)
{
	char time[MOMENT_TEXT_MAX], ending[ENDING_TEXT_MAX];

	if (!proxy->workers_ended)
		return;
	moment_format(proxy->worker_ended, time);
	ending_format((int)proxy->worker_status, ending);
	printf("restarts   %llu of the proxy, the last at %s after %s\n",
		(unsigned long long)proxy->workers_ended, time, ending);
}

static void print_domains(const struct job *job, const struct usage *usage)
{
	for (size_t i = 0; i < job->spec.domains.count; i++) {
		char domain[NAME_LENGTH_MAX + 3];

		declared_domain_format(&job->spec.domains.list[i], domain);
		printf("  %-32s %llu requests\n", domain,
			(unsigned long long)usage->hits[i]);
	}
}

static void print_learned(const struct learned *learned)
{
	printf("learned:\n");
	for (size_t i = 0; i < learned->count; i++)
		printf("  %-32s %llu requests\n", learned->domains[i].domain.host.name,
			(unsigned long long)learned->domains[i].count);
}

static void print_path(const char *label, const char *path)
{
	fputs(label, stdout);
	print_foreign(stdout, path, strlen(path));
	putchar('\n');
}

/* Prints the surroundings that a command of `exec` gets. */
static void print_container(const struct job *job)
{
	const json_t *path;
	size_t i;

	printf("container  %s\n", job_has_container(job)
					  ? "there; exec joins it"
					  : "none yet; the first exec makes one");
	json_array_foreach (job->shares, i, path)
		print_path("shared     ", json_string_value(path));
}

/* What is wrong in a state, and what to do about it. */
static const char *advice(enum condition condition)
{
	switch (condition) {
	case CONDITION_STUCK:
		return ": its proxy does not answer; see: jobfence help repair";
	case CONDITION_CUT_OFF:
		return ": its proxy has ended; see: jobfence help repair";
	case CONDITION_ENDING:
		return ": a down of it did not finish; see: jobfence help down";
	default:
		return "";
	}
}

static void print_text(
	const struct job *job, enum condition condition, const struct usage *usage)
{
	char rate[RATE_TEXT_MAX];

	rate_format(job->spec.rate, rate);
	printf("job        %s\n", job->spec.name);
	printf("state      %s%s\n", condition_word(condition), advice(condition));
	printf("network    %s, %s each way, pacing %s\n", network_name(job->spec.network),
		rate, pacing_name(job->pacing));
	print_path("cgroup     ", job->cgroup);
	print_path("namespace  ", job->netns[0] ? job->netns : "the node's own");
	printf("pins       %s\n", job->paths.pins);
	if (job->proxy_pid)
		printf("proxy      %d at " PROXY_ADDRESS4 ":80\n", (int)job->proxy_pid);
	print_restarts(&usage->proxy);
	print_container(job);
	print_locks(job);
	printf("connections %llu redirected to the proxy\n",
		(unsigned long long)usage->job.connections);
	if (usage->job.unmatched)
		printf("connections that the proxy closes, as the kernel has no entry for them: %llu\n",
			(unsigned long long)usage->job.unmatched);
	if (job->pacing == PACING_EDT) {
		print_throttle("upload", &usage->job, usage->upload_delay);
		print_throttle("download", &usage->proxy, usage->download_delay);
	}
	if (job->spec.domains.count)
		printf("domains:\n");
	print_domains(job, usage);
	if (usage->learned)
		print_learned(usage->learned);
	if (usage->job.events_lost + usage->proxy.events_lost)
		printf("events     %llu were not kept; to read them as they happen: jobfence events --follow\n",
			(unsigned long long)(usage->job.events_lost +
					     usage->proxy.events_lost));
	printf("refused:\n");
	print_counters("job", &usage->job);
	print_counters("proxy", &usage->proxy);
	for (size_t i = 0; i < usage->refusal_count; i++)
		printf("  %-8s %6llu  %.*s\n",
			reason_word((enum reason)usage->refusals[i].key.reason),
			(unsigned long long)usage->refusals[i].refusal.count,
			usage->refusals[i].key.length, usage->refusals[i].key.name);
	print_ech_advice(stdout, "  ", usage);
}

static int read_all(
	struct job *job, const char *name, struct usage **usage, struct failure *failure)
{
	int error = job_read(job, name, failure);

	return error ? error : usage_read(job, usage, failure);
}

int show_command(struct options *options, int *status, struct failure *failure)
{
	_cleanup_(job_free) struct job job = {};
	_cleanup_(usage_free) struct usage *usage = NULL;
	int error;

	(void)status;
	if (options->count != 1)
		return fail_as(failure, STATUS_USAGE, "show needs the name of one job");
	error = read_all(&job, options->arguments[0], &usage, failure);
	if (error && failure->status == STATUS_FAILED && job.spec.name[0]) {
		/*
		 * Another command may be ending the job. Wait for that, then read again.
		 */
		_fd_ int lock = job_lock(job.spec.name, failure);

		if (lock < 0)
			return lock;
		job_free(&job);
		job = (struct job){};
		error = read_all(&job, options->arguments[0], &usage, failure);
	}
	if (error || !usage)
		return error;
	if (options->json)
		return print_all(&job, job_condition_asked(&job), usage, failure);
	print_text(&job, job_condition_asked(&job), usage);
	return 0;
}
