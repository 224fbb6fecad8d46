/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Counts what the proxy does, in the map `statistics` of the job (jobfence/statistics.h).
 * The map is memory of the worker, so counting is an addition. Times are those that the
 * loop has anyway.
 */

#include <stdint.h>

#include "jobfence/statistics.h"

/* The map. Before statistics_open(), and in tests, memory that nobody else sees. */
extern struct proxy_statistics *statistics;

/* Maps FD_STATISTICS into memory. No connection is open yet. Returns 0 or -errno. */
int statistics_open(void);

/* Adds to a counter. Others read it at any time, and no one else writes it. */
static inline void statistics_add(__u64 *counter, uint64_t count)
{
	__atomic_store_n(counter, *counter + count, __ATOMIC_RELAXED);
}

/* Counts the final answer of a site, by its status. */
void statistics_answer(unsigned status);

/* Counts a time in ns. */
void statistics_time(struct histogram *histogram, uint64_t time);

/* Notes how many connections are open now. */
void statistics_open_connections(unsigned open);
