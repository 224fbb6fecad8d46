// SPDX-License-Identifier: BSD-2-Clause
/* See top_model.h. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/top_model.h"
#include "jobfence/time.h"
#include "lib/cleanup.h"
#include "lib/rate.h"

/* A count goes back if somebody made the map anew. Nothing is known of that interval. */
static uint64_t rate(uint64_t before, uint64_t after, uint64_t ns)
{
	double bits;

	if (after < before || !ns)
		return 0;
	bits = (double)(after - before) * BITS_PER_BYTE * SECOND / (double)ns;
	return bits < (double)UINT64_MAX ? (uint64_t)bits : UINT64_MAX;
}

void top_job_count(struct top_job *job, const struct top_counts *counts, uint64_t time)
{
	job->rated = job->counted && time > job->time;
	if (job->rated) {
		job->down = rate(job->counts.received, counts->received, time - job->time);
		job->up = rate(job->counts.sent, counts->sent, time - job->time);
	}
	job->counted = true;
	job->counts = *counts;
	job->time = time;
}

static const struct {
	const char *name;
	char key;
} columns[TOP_COLUMNS] = {
	[TOP_NAME] = { "name", 'n' },
	[TOP_STATE] = { "state", 's' },
	[TOP_DOWN] = { "download", 'd' },
	[TOP_UP] = { "upload", 'u' },
	[TOP_LIMIT] = { "limit", 'l' },
	[TOP_OPEN] = { "connections", 'c' },
	[TOP_REQUESTS] = { "requests", 'r' },
	[TOP_REFUSED] = { "refusals", 'f' },
	[TOP_THROTTLED] = { "throttled", 't' },
	[TOP_MEMORY] = { "memory", 'm' },
};

const char *top_column_name(enum top_column column)
{
	return columns[column].name;
}

char top_column_key(enum top_column column)
{
	return columns[column].key;
}

void top_view_sort(struct top_view *view, enum top_column column)
{
	view->reversed = view->order == column && !view->reversed;
	view->order = column;
}

static uint64_t number(const struct top_job *job, enum top_column column)
{
	switch (column) {
	case TOP_DOWN:
		return job->rated ? job->down : 0;
	case TOP_UP:
		return job->rated ? job->up : 0;
	case TOP_LIMIT:
		return job->limit ? job->limit : UINT64_MAX;
	case TOP_OPEN:
		return job->counts.open;
	case TOP_REQUESTS:
		return job->counts.requests;
	case TOP_REFUSED:
		return job->counts.refused;
	case TOP_THROTTLED:
		return job->counts.throttled;
	case TOP_MEMORY:
		return job->memory;
	default:
		return 0;
	}
}

/* Equal jobs keep the order of their names, so that lines do not jump. */
static int compare(const void *a, const void *b, void *data)
{
	const struct top_job *left = *(const struct top_job *const *)a;
	const struct top_job *right = *(const struct top_job *const *)b;
	const struct top_view *view = data;
	uint64_t of_left = number(left, view->order), of_right = number(right, view->order);
	int order = (of_left < of_right) - (of_left > of_right);
	int names = strcmp(left->name, right->name);

	if (view->order == TOP_NAME)
		order = names;
	else if (view->order == TOP_STATE)
		order = strcmp(left->state, right->state);
	if (view->reversed)
		order = -order;
	return order ? order : names;
}

static bool is_shown(const struct top_view *view, const struct top_job *job)
{
	if (view->busy && !job->counts.open && !(job->rated && (job->down || job->up)))
		return false;
	return strcasestr(job->name, view->filter) || strcasestr(job->state, view->filter);
}

size_t top_view_apply(
	const struct top_view *view, const struct top_job **jobs, size_t count)
{
	size_t shown = 0;

	for (size_t i = 0; i < count; i++)
		if (is_shown(view, jobs[i])) {
			const struct top_job *job = jobs[i];

			jobs[i] = jobs[shown];
			jobs[shown++] = job;
		}
	qsort_r(jobs, shown, sizeof(const struct top_job *), compare, (void *)view);
	return shown;
}

struct top_sums top_sum(const struct top_job *const *jobs, size_t count)
{
	struct top_sums sums = {};

	for (size_t i = 0; i < count; i++) {
		sums.up += !strcmp(jobs[i]->state, "up");
		sums.open += jobs[i]->counts.open;
		sums.down_rate += number(jobs[i], TOP_DOWN);
		sums.up_rate += number(jobs[i], TOP_UP);
	}
	return sums;
}

static void format_scaled(
	uint64_t number, double step, const char *const *units, char text[TOP_NUMBER_MAX])
{
	double scaled = (double)number;
	size_t unit = 0;

	/* What would be rounded to four digits takes the next unit. */
	for (; scaled >= 999.5 && units[unit + 1]; unit++)
		scaled /= step;
	if (!unit || scaled >= 99.95)
		snprintf(text, TOP_NUMBER_MAX, "%.0f%s", scaled, units[unit]);
	else
		snprintf(text, TOP_NUMBER_MAX, "%.*f%s", scaled < 9.995 ? 2 : 1, scaled,
			units[unit]);
}

void top_format_number(uint64_t number, char text[TOP_NUMBER_MAX])
{
	static const char *const units[] = { "", "k", "M", "G", "T", "P", "E", NULL };

	format_scaled(number, 1000, units, text);
}

void top_format_bytes(uint64_t bytes, char text[TOP_NUMBER_MAX])
{
	static const char *const units[] = { "", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", NULL };

	format_scaled(bytes, 1024, units, text);
}

void top_format_time(uint64_t ns, char text[TOP_NUMBER_MAX])
{
	uint64_t seconds = ns / SECOND, minutes = seconds / 60, hours = minutes / 60;
	uint64_t tenths = ns / (SECOND / 10);

	if (seconds < 100)
		snprintf(text, TOP_NUMBER_MAX, "%" PRIu64 ".%" PRIu64 "s", seconds,
			tenths % 10);
	else if (minutes < 100)
		snprintf(text, TOP_NUMBER_MAX, "%" PRIu64 "m%02" PRIu64 "s", minutes,
			seconds % 60);
	else if (hours < 100)
		snprintf(text, TOP_NUMBER_MAX, "%" PRIu64 "h%02" PRIu64 "m", hours,
			minutes % 60);
	else
		snprintf(text, TOP_NUMBER_MAX, "%" PRIu64 "d", hours / 24);
}

/* The columns after the name take 64. */
#define NAME_WIDTH(width) ((width)-64)
#define NUMBERS		  "%6.6s %6.6s %6.6s %4.4s %6.6s %7.7s %6.6s %6.6s"

/* Pads the line with blanks, so that it fills its row of the screen. */
static void pad(char line[TOP_WIDTH_MAX + 1], int width)
{
	size_t length = strlen(line);

	if (length < (size_t)width)
		memset(line + length, ' ', (size_t)width - length);
	line[width] = '\0';
}

static int bounded(int width)
{
	if (width < TOP_WIDTH_MIN)
		return TOP_WIDTH_MIN;
	return width > TOP_WIDTH_MAX ? TOP_WIDTH_MAX : width;
}

void top_format_header(char line[TOP_WIDTH_MAX + 1], int width)
{
	width = bounded(width);
	snprintf(line, TOP_WIDTH_MAX + 1, "%-*s %-8.8s " NUMBERS, NAME_WIDTH(width), "JOB",
		"STATE", "DOWN", "UP", "LIMIT", "OPEN", "REQS", "REFUSED", "THROTT", "PSS");
	pad(line, width);
}

/* A name that is cut ends in ~. */
static void format_name(const char *name, char text[JOB_NAME_MAX + 1], int width)
{
	snprintf(text, JOB_NAME_MAX + 1, "%s", name);
	if (strlen(text) > (size_t)width) {
		text[width - 1] = '~';
		text[width] = '\0';
	}
}

/* The cells of a line. Those that are not known have a dash. */
struct cells {
	char text[TOP_COLUMNS][TOP_NUMBER_MAX];
};

static void format_cells(const struct top_job *job, struct cells *cells)
{
	const struct top_counts *counts = &job->counts;

	for (int i = 0; i < TOP_COLUMNS; i++)
		snprintf(cells->text[i], TOP_NUMBER_MAX, "-");
	if (job->limit && job->has_proxy)
		top_format_number(job->limit, cells->text[TOP_LIMIT]);
	if (job->counted)
		top_format_number(counts->refused, cells->text[TOP_REFUSED]);
	if (job->weighed)
		top_format_bytes(job->memory, cells->text[TOP_MEMORY]);
	if (!job->counted || !job->has_proxy)
		return;
	snprintf(cells->text[TOP_OPEN], TOP_NUMBER_MAX, "%" PRIu64, counts->open);
	top_format_number(counts->requests, cells->text[TOP_REQUESTS]);
	top_format_time(counts->throttled, cells->text[TOP_THROTTLED]);
	if (job->rated) {
		top_format_number(job->down, cells->text[TOP_DOWN]);
		top_format_number(job->up, cells->text[TOP_UP]);
	}
}

void top_format_job(const struct top_job *job, char line[TOP_WIDTH_MAX + 1], int width)
{
	char name[JOB_NAME_MAX + 1];
	struct cells cells;

	width = bounded(width);
	format_name(job->name, name, NAME_WIDTH(width));
	format_cells(job, &cells);
	if (strlen(job->state) > 8) /* "unreadable", of which nothing else is known */
		snprintf(line, TOP_WIDTH_MAX + 1, "%-*s %s", NAME_WIDTH(width), name,
			job->state);
	else
		snprintf(line, TOP_WIDTH_MAX + 1, "%-*s %-8.8s " NUMBERS, NAME_WIDTH(width),
			name, job->state, cells.text[TOP_DOWN], cells.text[TOP_UP],
			cells.text[TOP_LIMIT], cells.text[TOP_OPEN],
			cells.text[TOP_REQUESTS], cells.text[TOP_REFUSED],
			cells.text[TOP_THROTTLED], cells.text[TOP_MEMORY]);
	pad(line, width);
}
