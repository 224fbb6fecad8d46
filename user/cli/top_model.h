/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What `jobfence top` shows of jobs: rates from two samples, which jobs, in which order,
 * and as which line. It knows neither the kernel nor a terminal.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/paths.h"

/* What was counted since the job began, but `open`, which is now. */
struct top_counts {
	uint64_t received, sent; /* bytes of the job */
	uint64_t open;		 /* connections */
	uint64_t requests;	 /* tunnels are among them */
	uint64_t refused;	 /* by the kernel and by the proxy */
	uint64_t throttled;	 /* ns, both directions */
	uint64_t restarts;	 /* of the proxy */
};

struct top_job {
	char name[JOB_NAME_MAX + 1];
	const char *state;
	uint64_t limit; /* bits per second and direction, 0: none */
	/* There are counts. Otherwise all of the following is unknown. */
	bool counted;
	bool has_proxy; /* otherwise only `refused` is known */
	struct top_counts counts;
	uint64_t time; /* of the counts, ns of CLOCK_MONOTONIC */
	/* There was a sample before. */
	bool rated;
	uint64_t down, up; /* bits per second */
	bool weighed;
	uint64_t memory; /* bytes of the proxy */
};

/* Takes the next sample of a job. */
void top_job_count(struct top_job *job, const struct top_counts *counts, uint64_t time);

enum top_column {
	TOP_NAME,
	TOP_STATE,
	TOP_DOWN,
	TOP_UP,
	TOP_LIMIT,
	TOP_OPEN,
	TOP_REQUESTS,
	TOP_REFUSED,
	TOP_THROTTLED,
	TOP_MEMORY,
	TOP_COLUMNS
};

#define TOP_FILTER_MAX 64

struct top_view {
	enum top_column order;
	bool reversed;
	bool busy;		     /* only jobs with a connection */
	char filter[TOP_FILTER_MAX]; /* part of a name or a state. Empty: every job */
};

/* What a column is called, and the key that sorts by it. */
const char *top_column_name(enum top_column column);
char top_column_key(enum top_column column);

/* Sorts by the column. The same column again turns the order. */
void top_view_sort(struct top_view *view, enum top_column column);

/*
 * Moves the jobs that are shown to the front, in their order. Names sort from A, numbers
 * from the largest. Returns how many are shown.
 */
size_t top_view_apply(
	const struct top_view *view, const struct top_job **jobs, size_t count);

/* The smallest width of a line. A wider one has more of the name. */
#define TOP_WIDTH_MIN 80
#define TOP_WIDTH_MAX 160

/* Formats the header, and the line of a job, to exactly `width` columns of ASCII. */
void top_format_header(char line[TOP_WIDTH_MAX + 1], int width);
void top_format_job(const struct top_job *job, char line[TOP_WIDTH_MAX + 1], int width);

/* The sums over all jobs that are shown. */
struct top_sums {
	size_t up; /* jobs whose state is "up" */
	uint64_t down_rate, up_rate, open;
};
struct top_sums top_sum(const struct top_job *const *jobs, size_t count);

#define TOP_NUMBER_MAX 24

/* Formats a number with three digits: 999, 1.02k, 12.3M, 123G. */
void top_format_number(uint64_t number, char text[TOP_NUMBER_MAX]);
/* The same by powers of 1024: 999, 1.02Ki, 12.3Mi. */
void top_format_bytes(uint64_t bytes, char text[TOP_NUMBER_MAX]);
/* Formats a time in at most six columns: 0.1s, 12.3s, 12m05s, 12h05m, 123d. */
void top_format_time(uint64_t ns, char text[TOP_NUMBER_MAX]);
