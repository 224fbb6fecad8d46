// SPDX-License-Identifier: BSD-2-Clause
/* `jobfence show`. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/advice.h"
#include "cli/command.h"
#include "cli/job_lines.h"
#include "cli/select.h"
#include "cli/statistics.h"
#include "job/health.h"
#include "job/init.h"
#include "job/owner.h"
#include "job/pulse.h"
#include "job/report.h"
#include "job/usage.h"
#include "lib/cleanup.h"
#include "lib/moment.h"
#include "lib/printable.h"
#include "node/attach.h"
#include "node/filtered.h"
#include "node/lock.h"

static void print_locks(const struct job *job)
{
	const char *const words[] = { "no", "yes" };
	struct attached attached;
	struct filtered count;

	if (job->spec.network == NETWORK_FULL) {
		printf("locks      none: the network is full\n");
		return;
	}
	attached = attach_look(&job->paths, job->id);
	printf("locks      socket hooks %s, packet filter %s, BPF LSM %s, namespace %s",
		words[attached.sockets], words[attached.packets], words[attached.lsm],
		words[!job->host_netns]);
	if (!filtered_count(job->id, &count) && count.processes)
		printf(", seccomp for %u of %u process%s", count.filtered, count.processes,
			count.processes == 1 ? "" : "es");
	printf("\n");
}

/* What the kernel refused, but for what the throttle dropped: print_throttle() has that. */
static void print_counters(const struct job_counters *counters, const char *whom)
{
	for (int reason = 1; reason < REASON_COUNT; reason++)
		if (counters->refused[reason] && reason != REASON_HORIZON)
			printf("  %-8s %6llu  by the kernel%s: %s\n",
				reason_word((enum reason)reason),
				(unsigned long long)counters->refused[reason], whom,
				reason_text((enum reason)reason));
}

static bool any_refused(const struct usage *usage)
{
	for (int reason = 1; reason < REASON_COUNT; reason++)
		if (reason != REASON_HORIZON &&
			(usage->job.refused[reason] || usage->proxy.refused[reason]))
			return true;
	return usage->refusal_count;
}

static void print_refusals(const struct usage *usage)
{
	if (!any_refused(usage))
		return;
	printf("refused:\n");
	print_counters(&usage->job, "");
	print_counters(&usage->proxy, ", to the proxy");
	for (size_t i = 0; i < usage->refusal_count; i++) {
		const struct usage_refusal *row = &usage->refusals[i];

		printf("  %-8s %6llu  ", reason_word((enum reason)row->key.reason),
			(unsigned long long)row->refusal.count);
		print_refused_name(stdout, &row->key);
	}
	print_ech_advice(stdout, "  ", usage);
	print_http2_advice(stdout, "  ", usage);
}

static void print_throttle(
	const char *direction, const struct job_counters *counters, uint64_t delay)
{
	printf("%-10s %llu bytes paced, %llu packets marked, %llu dropped, %llu ms behind\n",
		direction, (unsigned long long)counters->paced_bytes,
		(unsigned long long)counters->marked_packets,
		(unsigned long long)counters->refused[REASON_HORIZON],
		(unsigned long long)delay / MILLISECOND);
}

static void print_restarts(const struct job_counters *proxy)
{
	char time[MOMENT_TEXT_MAX], ending[ENDING_TEXT_MAX];

	if (!proxy->workers_ended)
		return;
	moment_format(proxy->worker_ended, time);
	ending_format((int)proxy->worker_status, ending);
	printf("restarts   %llu of its worker, the last at %s after %s\n",
		(unsigned long long)proxy->workers_ended, time, ending);
}

static void print_domains(const struct job *job, const struct usage *usage)
{
	for (size_t i = 0; i < job->spec.domains.count; i++) {
		const struct domain_use *use = &usage->domains[i];
		char domain[DOMAIN_TEXT_SIZE];

		declared_domain_format(&job->spec.domains.list[i], domain);
		printf("  %-32s %llu request%s, %llu byte%s received, %llu sent\n", domain,
			use->requests, plural(use->requests), use->received,
			plural(use->received), use->sent);
	}
}

static void print_rules(const char *title, const struct request_rules *rules)
{
	if (rules->count)
		printf("%s:\n", title);
	for (size_t i = 0; i < rules->count; i++)
		printf("  %s\n", rules->list[i].text);
}

static void print_intercepted(const struct domains *domains)
{
	if (!domains->count)
		return;
	printf("opened TLS:\n");
	for (size_t i = 0; i < domains->count; i++) {
		char domain[DOMAIN_TEXT_SIZE];

		declared_domain_format(&domains->list[i], domain);
		printf("  %s\n", domain);
	}
}

/* Where each secret is set. Nobody sees its value. */
static void print_secrets(const struct secrets *secrets)
{
	if (secrets->count)
		printf("secrets:\n");
	for (size_t i = 0; i < secrets->count; i++) {
		const struct secret *secret = &secrets->list[i];

		for (size_t k = 0; k < secret->uses.count; k++)
			printf("  %s: %s in %s\n", secret->name, secret->field,
				secret->uses.list[k].text);
	}
}

static void print_learned(const struct learned *learned)
{
	printf("learned:\n");
	for (size_t i = 0; i < learned->count; i++)
		printf("  %-32s %llu request%s\n", learned->domains[i].domain.host.name,
			(unsigned long long)learned->domains[i].count,
			plural(learned->domains[i].count));
}

static void print_learned_rules(const struct learned_rules *rules)
{
	if (rules->count)
		printf("learned rules:\n");
	for (size_t i = 0; i < rules->count; i++)
		printf("  %-32s %llu request%s\n", rules->list[i].text,
			(unsigned long long)rules->list[i].count,
			plural(rules->list[i].count));
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

/* What the job used, and what was refused. */
static void print_usage(const struct job *job, const struct usage *usage)
{
	if (job->proxy_id)
		printf("redirected %llu connection%s to the proxy\n",
			(unsigned long long)usage->job.connections,
			plural(usage->job.connections));
	if (usage->job.unmatched)
		printf("connections that the proxy closes, as the kernel has no entry for them: %llu\n",
			(unsigned long long)usage->job.unmatched);
	if (job->proxy_id)
		statistics_print(stdout, usage);
	if (job->pacing == PACING_EDT) {
		print_throttle("upload", &usage->job, usage->upload_delay);
		print_throttle("download", &usage->proxy, usage->download_delay);
	}
	if (job->spec.domains.count)
		printf("domains:\n");
	print_domains(job, usage);
	print_intercepted(&job->spec.intercept);
	print_rules("rules", &job->spec.rules);
	print_rules("rules of the node", &job->spec.node_rules);
	print_secrets(&job->spec.secrets);
	if (usage->learned)
		print_learned(usage->learned);
	if (usage->learned_rules)
		print_learned_rules(usage->learned_rules);
	if (usage->job.events_lost + usage->proxy.events_lost)
		printf("events     %llu not kept, since the job has a share in each second\n",
			(unsigned long long)(usage->job.events_lost +
					     usage->proxy.events_lost));
	print_refusals(usage);
}

static void print_owner(const struct job *job)
{
	static const char *const words[] = { [OWNER_ALIVE] = "",
		[OWNER_GONE] = ", which has ended",
		[OWNER_UNKNOWN] = ", which can't be seen from here" };
	enum ownership ownership = job_ownership(job);

	if (ownership != OWNER_NONE)
		printf("owner      %d%s\n", (int)job->owner, words[ownership]);
}

static void print_log(const struct job *job)
{
	if (!strcmp(job->log, "-"))
		printf("log        standard error of the command that made the job\n");
	else if (job->log[0])
		print_path("log        ", job->log);
}

static void print_text(
	const struct job *job, enum condition condition, const struct usage *usage)
{
	printf("job        %s\n", job->spec.name);
	print_job(stdout, job, condition, job->spec.rate);
	if (json_object_size(job->spec.labels)) {
		printf("labels    ");
		print_labels(stdout, job->spec.labels);
		putchar('\n');
	}
	print_owner(job);
	print_path("cgroup     ", job->cgroup);
	print_path("namespace  ", job->netns[0] ? job->netns : "the node's own");
	printf("pins       %s\n", job->paths.pins);
	if (job->proxy_pid)
		printf("proxy      %d at " PROXY_ADDRESS4 ":80\n", (int)job->proxy_pid);
	if (usage)
		print_restarts(&usage->proxy);
	print_log(job);
	print_container(job);
	print_locks(job);
	if (usage)
		print_usage(job, usage);
	else
		printf("counters   only the version that built it can read them: %s\n",
			job->programs);
}

/* Of a job of another version the record alone can be read, and `usage` stays NULL. */
static int read_all(
	struct job *job, const char *name, struct usage **usage, struct failure *failure)
{
	int error = job_read(job, name, failure);

	if (error || job->abi != FENCE_ABI)
		return error;
	return usage_read(job, usage, failure);
}

struct showing {
	json_t *reports; /* NULL: they are printed as text */
	bool any;	 /* one was printed */
};

static int show_one(const char *name, void *data, struct failure *failure)
{
	_cleanup_(job_free) struct job job = {};
	_cleanup_(usage_free) struct usage *usage = NULL;
	struct showing *showing = data;
	enum condition condition;
	int error = read_all(&job, name, &usage, failure);

	if (error && failure->status == STATUS_FAILED && job.spec.name[0]) {
		/*
		 * Another command may be ending the job. Wait for that, then read again.
		 */
		_fd_ int lock = job_lock(job.spec.name, failure);

		if (lock < 0)
			return lock;
		*failure = (struct failure){};
		job_free(&job);
		job = (struct job){};
		error = read_all(&job, name, &usage, failure);
	}
	if (error)
		return error;
	condition = job_condition_asked(&job);
	if (showing->reports)
		return json_array_append_new(showing->reports,
			       job_report(&job, condition_word(condition), usage))
			       ? fail(failure, -ENOMEM, "job %s", name)
			       : 0;
	if (showing->any)
		putchar('\n');
	showing->any = true;
	print_text(&job, condition, usage);
	return 0;
}

/* Several jobs are an array, of which the ones that failed are objects with `error`. */
static int show_several(struct options *options, struct showing *showing, int *status,
	struct failure *failure)
{
	_json_ json_t *failed = showing->reports ? json_array() : NULL;
	json_t *entry;
	size_t i;
	int error =
		select_jobs(options, "show", show_one, showing, failed, status, failure);

	if (error || !showing->reports)
		return error;
	json_array_foreach (failed, i, entry) {
		const json_t *name = json_object_get(entry, "job");
		json_t *shown = json_pack("{s:O, s:O}", "job", name, "error", entry);

		json_object_del(entry, "job");
		if (json_array_append_new(showing->reports, shown))
			return -ENOMEM;
	}
	return print_json(showing->reports);
}

int show_command(struct options *options, int *status, struct failure *failure)
{
	_json_ json_t *reports = options->json ? json_array() : NULL;
	struct showing showing = { .reports = reports };
	bool selected = options->all || json_object_size(options->spec.labels);
	int error;

	if (options->json && !reports)
		return -ENOMEM;
	if (options->count != 1 || selected)
		return show_several(options, &showing, status, failure);
	error = show_one(options->arguments[0], &showing, failure);
	return error || !reports ? error : print_json(json_array_get(reports, 0));
}
