/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What the proxy of a job counts, in the one element of the job's map `statistics`. Only
 * the worker writes it, and it maps it into memory. So counting takes no system call, and a
 * worker that is started again goes on where the last one ended. docs/json.md says what
 * each number counts.
 */

#include <linux/types.h>

#include "jobfence/reasons.h"
#include "jobfence/time.h"

/*
 * Why a site gave no answer that the job can have: X(NAME, word). The fence refused nothing
 * then. X-Jobfence-Denied has the word.
 */
#define CAUSES(X) \
	X(DNS, "dns") \
	X(UNREACHABLE, "unreachable") \
	X(TIMEOUT, "timeout") \
	X(ANSWER, "answer") \
	X(CERTIFICATE, "certificate") \
	X(TLS, "tls")

enum cause {
#define X(name, word) CAUSE_##name,
	CAUSES(X)
#undef X
		CAUSE_COUNT
};

#define HISTOGRAM_BUCKETS 15

/* How many times there were in each bucket, and the sum of all in ns. */
struct histogram {
	__u64 buckets[HISTOGRAM_BUCKETS];
	__u64 sum;
};

#define ANSWER_CLASSES 5 /* 1xx to 5xx */

/* All fields are of type __u64, and usage.c relies on that. */
struct proxy_statistics {
	__u64 requests;	    /* of HTTP, or in opened TLS, to hosts of the job */
	__u64 tunnels;	    /* other TLS, with CONNECT or without, to such hosts */
	__u64 received;	    /* bytes that the job received from the proxy */
	__u64 sent;	    /* bytes that the proxy read from the job */
	__u64 open;	    /* connections of the job now */
	__u64 open_most;    /* and the most that were open at once */
	__u64 throttled[2]; /* ns in which connections waited for their turn: up, down */
	__u64 lookups;	    /* of names, also of those that are remembered */
	__u64 resolver_failures;
	__u64 refused[REASON_COUNT];
	__u64 answers[ANSWER_CLASSES]; /* of sites, by the first digit of the status */
	__u64 failures[CAUSE_COUNT];
	struct histogram duration;   /* of requests that were answered whole */
	struct histogram first_byte; /* of sites, for requests and tunnels */
	struct histogram dns;	     /* of questions to the node's resolvers */
};

_Static_assert(sizeof(struct proxy_statistics) == 728, "proxy_statistics");

#ifndef __bpf__

/* The upper bound of a bucket of a histogram, in ms. The last bucket has none. */
static inline __u32 histogram_bound(unsigned bucket)
{
	static const __u32 bounds[HISTOGRAM_BUCKETS - 1] = { 5, 10, 25, 50, 100, 250, 500,
		1000, 2500, 5000, 10000, 30000, 60000, 300000 };

	return bounds[bucket];
}

/* The bucket that a time in ns belongs to. */
static inline unsigned histogram_bucket(__u64 time)
{
	unsigned bucket = 0;

	while (bucket < HISTOGRAM_BUCKETS - 1 &&
		time > histogram_bound(bucket) * MILLISECOND)
		bucket++;
	return bucket;
}

/* The word of `answers` at that index. */
static inline const char *answer_word(unsigned class)
{
	static const char *const words[ANSWER_CLASSES] = { "1xx", "2xx", "3xx", "4xx",
		"5xx" };

	return words[class];
}

/* The word of an enum cause in JSON and in X-Jobfence-Denied. */
static inline const char *cause_word(unsigned cause)
{
	static const char *const words[] = {
#define X(name, word) word,
		CAUSES(X)
#undef X
	};

	return words[cause];
}

#endif
