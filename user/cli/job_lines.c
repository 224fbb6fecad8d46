// SPDX-License-Identifier: BSD-2-Clause
/* See job_lines.h. */

#include <string.h>

#include "cli/job_lines.h"
#include "jobfence/time.h"
#include "lib/moment.h"
#include "lib/printable.h"
#include "lib/rate.h"

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
	case CONDITION_UNFENCED:
		return ": its pins or its packet filter are gone; see: jobfence help down";
	case CONDITION_GONE:
		return ": its cgroup or namespace was removed; see: jobfence help down";
	default:
		return "";
	}
}

void print_job(FILE *to, const struct job *job, enum condition condition, uint64_t rate)
{
	char started[MOMENT_TEXT_MAX];

	moment_format_real((uint64_t)job->started * SECOND, started);
	fprintf(to, "state      %s%s\n", condition_word(condition), advice(condition));
	fprintf(to, "started    %s\n", started);
	fprintf(to, "network    %s", network_name(job->spec.network));
	if (job->proxy_id) {
		char limit[RATE_TEXT_MAX];

		rate_format(rate, limit);
		fprintf(to, ", %s each way, pacing %s", limit, pacing_name(job->pacing));
	}
	fputc('\n', to);
}

void print_labels(FILE *to, json_t *labels)
{
	const char *key;
	json_t *value;

	json_object_foreach (labels, key, value) {
		fputc(' ', to);
		print_foreign(to, key, strlen(key));
		fputc('=', to);
		print_foreign(to, json_string_value(value), json_string_length(value));
	}
}

void print_refused_name(FILE *to, const struct refusal_key *key)
{
	fprintf(to, "%.*s\n", key->length ? key->length : 9,
		key->length ? key->name : "(no host)");
}
