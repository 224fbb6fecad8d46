// SPDX-License-Identifier: BSD-2-Clause
/* See top_batch.h. Numbers have no units, so that a script can compare them. */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "cli/top_batch.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/moment.h"

#define HEADER \
	"TIME JOB STATE DOWN UP LIMIT OPEN REQUESTS REFUSED THROTTLED PSS RECEIVED SENT " \
	"RESTARTS"

static void print_number(bool known, uint64_t number)
{
	if (known)
		printf(" %" PRIu64, number);
	else
		fputs(" -", stdout);
}

static void print_job(const struct top_job *job, const char *time)
{
	const struct top_counts *counts = &job->counts;
	bool counted = job->counted && job->has_proxy;

	printf("%s %s %s", time, job->name, job->state);
	print_number(counted && job->rated, job->down);
	print_number(counted && job->rated, job->up);
	print_number(job->has_proxy, job->limit);
	print_number(counted, counts->open);
	print_number(counted, counts->requests);
	print_number(job->counted, counts->refused);
	print_number(counted, counts->throttled / MILLISECOND);
	print_number(job->weighed, job->memory);
	print_number(counted, counts->received);
	print_number(counted, counts->sent);
	print_number(counted, counts->restarts);
	putchar('\n');
}

static int print_jobs(const struct top_sampler *sampler)
{
	_free_ const struct top_job **jobs =
		calloc(sampler->count + 1, sizeof(const struct top_job *));
	const struct top_view view = { .order = TOP_NAME };
	char time[MOMENT_TEXT_MAX];
	size_t count;

	if (!jobs)
		return -ENOMEM;
	moment_format_real(clock_ns(CLOCK_REALTIME), time);
	count = top_view_apply(&view, jobs, top_jobs(sampler, jobs));
	for (size_t i = 0; i < count; i++)
		print_job(jobs[i], time);
	return fflush(stdout) || ferror(stdout) ? -EIO : 0;
}

/* Each round begins a whole number of intervals after the first one. */
static void wait_until(uint64_t time)
{
	const struct timespec until = { .tv_sec = (time_t)(time / SECOND),
		.tv_nsec = (long)(time % SECOND) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

int top_batch(
	struct top_sampler *sampler, const struct options *options, struct failure *failure)
{
	uint64_t next = clock_ns(CLOCK_MONOTONIC);
	int error = top_sample(sampler, options->interval / TOP_CLOSELY, failure);

	if (error)
		return error;
	puts(HEADER);
	for (unsigned long i = 0; !options->iterations || i < options->iterations; i++) {
		next += options->interval;
		wait_until(next);
		error = top_sample(sampler, options->interval / TOP_CLOSELY, failure);
		if (error)
			return error;
		error = print_jobs(sampler);
		if (error)
			return fail(failure, error, "cannot write the jobs");
	}
	return 0;
}
