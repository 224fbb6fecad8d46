// SPDX-License-Identifier: BSD-2-Clause
/* See update.h. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "job/domain_map.h"
#include "job/health.h"
#include "job/launch.h"
#include "job/news.h"
#include "job/update.h"
#include "lib/cleanup.h"
#include "node/maps.h"
#include "node/netns.h"
#include "node/state.h"
#include "policy/admission.h"

static int find_declared(
	const struct domains *domains, const struct declared_domain *wanted)
{
	for (size_t i = 0; i < domains->count; i++)
		if (domains->list[i].form == wanted->form &&
			host_equal(&domains->list[i].host, &wanted->host))
			return (int)i;
	return -ENOENT;
}

/*
 * The parser of domains works on a spec. So the domain is parsed into a spec of its
 * own.
 */
static int remove_domain(struct domains *domains, const char *text, struct failure *failure)
{
	_cleanup_(spec_free) struct job_spec alone = {};
	int error = spec_add_domain(&alone, text, failure), at;

	if (error)
		return error;
	at = find_declared(domains, &alone.domains.list[0]);
	if (at < 0)
		return fail_as(failure, STATUS_USAGE,
			"the job did not declare domain '%s'; see: jobfence show", text);
	domains->count--;
	memmove(&domains->list[at], &domains->list[at + 1],
		(domains->count - (size_t)at) * sizeof(*domains->list));
	return 0;
}

/* Adds the option to a failure. Returns `error`. */
static int about(const char *option, const char *value, struct failure *failure, int error)
{
	if (error)
		failure_about(failure, option, value);
	return error;
}

static int change_domains(
	struct job *job, const struct job_change *change, struct failure *failure)
{
	int error = 0;

	if (!job->proxy_id)
		return fail_as(failure, STATUS_USAGE,
			"job %s began without a proxy, as network none or full, and can't "
			"get domains now",
			job->spec.name);
	for (const char *const *text = change->remove; !error && *text; text++)
		error = about("--remove-domain", *text, failure,
			remove_domain(&job->spec.domains, *text, failure));
	for (const char *const *text = change->add; !error && *text; text++)
		error = about("--add-domain", *text, failure,
			spec_add_domain(&job->spec, *text, failure));
	return error;
}

static int change_rate(struct job *job, const char *rate, struct failure *failure)
{
	int error =
		about("--rate", rate, failure, spec_set_rate(&job->spec, rate, failure));

	if (error)
		return error;
	if (!job->proxy_id)
		return fail_as(failure, STATUS_USAGE,
			"job %s began without a proxy, as network none or full: there is "
			"nothing to throttle",
			job->spec.name);
	if (job->pacing == PACING_NONE && job->spec.rate) {
		if (job->spec.pacing == PACING_EDT)
			return fail_as(failure, STATUS_FAILED,
				"job %s began without a rate: the kernel can't pace it now",
				job->spec.name);
		/*
		 * The namespace has no fq, and the job's processes may be using its
		 * `lo`.
		 */
		job->pacing = PACING_PROXY;
	}
	return 0;
}

/*
 * Sets the burst in a namespace of our own. A foreign path may by now lead to another
 * namespace, so that one is left as it is.
 */
static int set_burst(const struct job *job)
{
	struct failure ignored;
	_fd_ int netns = netns_open(job->netns, &ignored);

	return netns < 0 ? netns : netns_set_rate(netns, job_rates(job).rate);
}

/*
 * Checks the added domains and the new rate against the policy, as if a job asked for
 * them alone. The rest was admitted before.
 */
static int check_policy(const struct job *job, const struct job_change *change, bool probed,
	struct failure *failure)
{
	_cleanup_(spec_free) struct job_spec added = {};
	const struct admission admission = { .policy = change->policy,
		.spec = &added,
		.by_operator = job->by_operator,
		.probed = probed };
	int error = 0;

	memcpy(added.name, job->spec.name, sizeof(added.name));
	for (const char *const *text = change->add; !error && *text; text++)
		error = spec_add_domain(&added, *text, failure);
	if (!error && change->rate)
		error = spec_set_rate(&added, change->rate, failure);
	if (error || (!*change->add && !change->rate))
		return error;
	return admission_enforce_update(&admission, &job->spec, failure);
}

/* Empties the log of the proxy, which is bounded and then takes no more of the trace. */
static int empty_log(const struct job *job)
{
	char path[PATH_SIZE];
	_fd_ int log = -1;

	if (path_format(path, "%s/proxy.log", job->paths.run))
		return -ENAMETOOLONG;
	log = open(path, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);
	return log < 0 && errno != ENOENT ? -errno : 0;
}

/*
 * Writes the record before the limits. A crash in between leaves a record that is out
 * of date, but never more rights than before and after the change. Running `update`
 * again repairs that.
 */
static int apply(const struct job *job, const struct job_change *change, bool domains,
	struct failure *failure)
{
	_cleanup_(job_maps_close) struct job_maps maps = JOB_MAPS_NONE;
	const struct fence_rates rates = job_rates(job);
	int error = job_maps_open(&job->paths, &maps);

	if (!error)
		error = domains ? domain_map_replace(job, &maps, failure)
				: job_record_write(job, failure);
	if (!error && change->rate && job->own_netns)
		error = set_burst(job);
	if (!error && change->rate)
		error = state_write_rates(&maps, job->id, job->proxy_id, &rates);
	if (!error && change->trace == TRACE_ON)
		error = empty_log(job);
	if (!error && change->trace)
		error = state_write_trace(&maps, change->trace == TRACE_ON);
	return error ? fail(failure, error, "cannot update job %s", job->spec.name) : 0;
}

/* Sets the new sources of secrets. */
static int change_secrets(
	struct job *job, const struct job_change *change, struct failure *failure)
{
	for (const char *const *text = change->secrets; *text; text++)
		if (!secrets_change(&job->spec.secrets, *text, failure))
			return about("--secret", *text, failure, -EINVAL);
	return 0;
}

/*
 * Has the proxy take the new values, before the record has their sources. What is read from
 * a bad one changes nothing.
 */
static int give_secrets(
	const struct job *job, const struct job_change *change, struct failure *failure)
{
	struct secret list[SECRETS_MAX];
	struct secrets given = { .list = list };

	for (const char *const *text = change->secrets; *text; text++) {
		size_t length = strcspn(*text, "=");

		if (!secrets_find(&given, *text, length))
			list[given.count++] =
				*secrets_find(&job->spec.secrets, *text, length);
	}
	return given.count ? proxy_give_secrets(job, &given, failure) : 0;
}

/* Makes the change in the record, and checks whether the job may have it. */
static int change_record(struct job *job, const struct job_change *change, bool probed,
	struct failure *failure)
{
	int error =
		*change->add || *change->remove ? change_domains(job, change, failure) : 0;

	if (!error && change->rate)
		error = change_rate(job, change->rate, failure);
	if (!error)
		error = change_secrets(job, change, failure);
	if (!error && change->trace && !job->proxy_id)
		error = fail_as(failure, STATUS_USAGE, "job %s has no proxy to trace",
			job->spec.name);
	return error ? error : check_policy(job, change, probed, failure);
}

/* Asks the policy before the job is locked, since the probe may take minutes. */
static int ask_before(struct job *job, const char *name, const struct job_change *change,
	struct failure *failure)
{
	int error = job_read(job, name, failure);

	if (!error)
		error = job_check_abi(job, failure);
	return error ? error : change_record(job, change, false, failure);
}

static int update_locked(struct job *job, const struct job *asked,
	const struct job_change *change, struct failure *failure)
{
	int error;

	/* The probe may have been asked about an earlier job of that name. */
	if (job->id != asked->id || job->started != asked->started ||
		job->by_operator != asked->by_operator)
		return fail_as(failure, STATUS_FAILED,
			"job %s was made anew meanwhile; try again", job->spec.name);
	error = change_record(job, change, true, failure);
	if (!error)
		error = give_secrets(job, change, failure);
	if (!error)
		error = apply(job, change, *change->add || *change->remove, failure);
	if (!error)
		news_tell(job, EVENT_CHANGED, "update", NULL);
	return error;
}

int job_update(const char *name, const struct job_change *change, struct failure *failure)
{
	_cleanup_(job_free) struct job job = {}, asked = {};
	struct failure refusal = {};
	_fd_ int lock = -1;
	int error, refused = ask_before(&asked, name, change, &refusal);

	lock = job_read_locked(&job, name, failure);
	if (lock < 0)
		return lock;
	/* A change that can't take effect must not be recorded. */
	error = job_check_fence(&job, failure);
	if (error)
		return error;
	/*
	 * Finish an interrupted update first. It may have left domains that the record
	 * does not list. They are removed even if this update is refused.
	 */
	if ((*change->add || *change->remove) && job.proxy_id)
		error = apply(&job, &(const struct job_change){}, true, failure);
	if (error)
		return error;
	if (refused) {
		*failure = refusal;
		return refused;
	}
	return update_locked(&job, &asked, change, failure);
}
