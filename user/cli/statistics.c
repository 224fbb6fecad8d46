// SPDX-License-Identifier: BSD-2-Clause
/* See statistics.h. */

#include "cli/job_lines.h"
#include "cli/statistics.h"
#include "cli/top_model.h"

typedef const char *word_of(unsigned index);

/* Prints the counts that are not zero, each with its word. */
static void print_counts(FILE *to, const __u64 *counts, unsigned length, word_of *word)
{
	for (unsigned i = 0; i < length; i++)
		if (counts[i])
			fprintf(to, ", %s %llu", word(i), (unsigned long long)counts[i]);
}

void statistics_print(FILE *to, const struct usage *usage)
{
	const struct proxy_statistics *counts = &usage->statistics;
	char up[TOP_NUMBER_MAX], down[TOP_NUMBER_MAX];

	top_format_time(usage->throttled_download, down);
	top_format_time(usage->throttled_upload, up);
	fprintf(to,
		"traffic    %llu byte%s received, %llu sent; throttled %s down, %s up\n",
		counts->received, plural(counts->received), counts->sent, down, up);
	fprintf(to, "open       %llu connection%s, %llu at most\n", counts->open,
		plural(counts->open), counts->open_most);
	fprintf(to, "requests   %llu, tunnels %llu", counts->requests, counts->tunnels);
	print_counts(to, counts->answers, ANSWER_CLASSES, answer_word);
	print_counts(to, counts->failures, CAUSE_COUNT, cause_word);
	fprintf(to, "\nnames      %llu looked up, %llu failure%s of resolvers\n",
		counts->lookups, counts->resolver_failures,
		plural(counts->resolver_failures));
}
