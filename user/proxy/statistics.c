// SPDX-License-Identifier: BSD-2-Clause
/* See statistics.h. */

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include "jobfence/proxy.h"
#include "proxy/statistics.h"

static struct proxy_statistics unseen;
struct proxy_statistics *statistics = &unseen;

int statistics_open(void)
{
	void *map = mmap(NULL, sizeof(*statistics), PROT_READ | PROT_WRITE, MAP_SHARED,
		FD_STATISTICS, 0);

	if (map == MAP_FAILED)
		return -errno;
	statistics = map;
	statistics_open_connections(0);
	return 0;
}

void statistics_answer(unsigned status)
{
	unsigned class = status / 100;

	/* Clients treat a status that is out of range as 5xx (RFC 9110 section 15). */
	if (class < 1 || class > ANSWER_CLASSES)
		class = ANSWER_CLASSES;
	statistics_add(&statistics->answers[class - 1], 1);
}

void statistics_time(struct histogram *histogram, uint64_t time)
{
	statistics_add(&histogram->buckets[histogram_bucket(time)], 1);
	statistics_add(&histogram->sum, time);
}

void statistics_open_connections(unsigned open)
{
	__atomic_store_n(&statistics->open, open, __ATOMIC_RELAXED);
	if (open > statistics->open_most)
		__atomic_store_n(&statistics->open_most, open, __ATOMIC_RELAXED);
}
