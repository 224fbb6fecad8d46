// SPDX-License-Identifier: BSD-2-Clause
/* See statistics.h. */

#include <stdio.h>

#include "cli/statistics.h"
#include "jobfence/time.h"

typedef const char *word_of(unsigned index);

/* Prints the counts that are not zero, each with its word. */
static void print_counts(const __u64 *counts, unsigned length, word_of *word)
{
	for (unsigned i = 0; i < length; i++)
		if (counts[i])
			printf(", %s %llu", word(i), (unsigned long long)counts[i]);
}

void statistics_print(const struct usage *usage)
{
	const struct proxy_statistics *counts = &usage->statistics;

	printf("traffic    %llu bytes received, %llu sent; throttled for %llu ms down, %llu ms up\n",
		(unsigned long long)counts->received, (unsigned long long)counts->sent,
		(unsigned long long)(usage->throttled_download / MILLISECOND),
		(unsigned long long)(usage->throttled_upload / MILLISECOND));
	printf("open       %llu connections, %llu at most\n",
		(unsigned long long)counts->open, (unsigned long long)counts->open_most);
	printf("requests   %llu, tunnels %llu", (unsigned long long)counts->requests,
		(unsigned long long)counts->tunnels);
	print_counts(counts->answers, ANSWER_CLASSES, answer_word);
	print_counts(counts->failures, CAUSE_COUNT, cause_word);
	printf("\nnames      %llu looked up, %llu failures of resolvers\n",
		(unsigned long long)counts->lookups,
		(unsigned long long)counts->resolver_failures);
}
