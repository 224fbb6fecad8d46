// SPDX-License-Identifier: BSD-2-Clause
/* See statistics_json.h. */

#include "job/statistics_json.h"
#include "jobfence/time.h"

typedef const char *word_of(unsigned index);

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *counts_to_json(const __u64 *counts, unsigned length, word_of *word)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < length; i++)
		json_object_set_new(object, word(i), number(counts[i]));
	return object;
}

json_t *refused_to_json(const __u64 refused[REASON_COUNT])
{
	json_t *object = json_object();

	for (int reason = 1; reason < REASON_COUNT; reason++)
		if (refused[reason])
			json_object_set_new(object, reason_word((enum reason)reason),
				number(refused[reason]));
	return object;
}

/* Each bucket has the count of the times up to its bound that are above the one before. */
static json_t *histogram_to_json(const struct histogram *histogram)
{
	json_t *buckets = json_array();
	uint64_t count = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		bool last = i == HISTOGRAM_BUCKETS - 1;

		count += histogram->buckets[i];
		json_array_append_new(buckets,
			json_pack("{s:o, s:o}", "at_most_milliseconds",
				number_or_null(!last, last ? 0 : histogram_bound(i)),
				"count", number(histogram->buckets[i])));
	}
	return json_pack("{s:o, s:o, s:o}", "count", number(count), "sum_milliseconds",
		number(histogram->sum / MILLISECOND), "buckets", buckets);
}

json_t *statistics_to_json(const struct usage *usage)
{
	const struct proxy_statistics *counts = &usage->statistics;

	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:{s:o, s:o}, s:{s:o, s:o}, s:{s:o, s:o}, s:o, s:o, s:o, s:o, s:o}",
		"requests", number(counts->requests), "tunnels", number(counts->tunnels),
		"answers", counts_to_json(counts->answers, ANSWER_CLASSES, answer_word),
		"failures", counts_to_json(counts->failures, CAUSE_COUNT, cause_word),
		"refused", refused_to_json(counts->refused), "bytes", "received",
		number(counts->received), "sent", number(counts->sent), "open", "now",
		number(counts->open), "most", number(counts->open_most),
		"throttled_milliseconds", "download",
		number(usage->throttled_download / MILLISECOND), "upload",
		number(usage->throttled_upload / MILLISECOND), "lookups",
		number(counts->lookups), "resolver_failures",
		number(counts->resolver_failures), "request_duration",
		histogram_to_json(&counts->duration), "first_byte",
		histogram_to_json(&counts->first_byte), "dns",
		histogram_to_json(&counts->dns));
}
