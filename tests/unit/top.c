// SPDX-License-Identifier: BSD-2-Clause
/* What `jobfence top` shows: rates, the order of jobs, and lines. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cli/top_model.h"
#include "jobfence/time.h"
#include "lib/cleanup.h"

#include <cmocka.h> /* has a macro `fail`, see lib/failure.h */

static struct top_job job(const char *name, const char *state)
{
	struct top_job job = { .state = state, .has_proxy = true };

	strncpy(job.name, name, JOB_NAME_MAX);
	return job;
}

static void rates_need_two_samples(void **state)
{
	struct top_job one = job("a", "up");

	(void)state;
	top_job_count(
		&one, &(struct top_counts){ .received = 1000, .sent = 500 }, 3 * SECOND);
	assert_true(one.counted);
	assert_false(one.rated);
	top_job_count(
		&one, &(struct top_counts){ .received = 3000, .sent = 1000 }, 5 * SECOND);
	assert_true(one.rated);
	assert_int_equal(one.down, 8000);
	assert_int_equal(one.up, 2000);
}

static void no_rate_comes_from_counts_that_went_back(void **state)
{
	struct top_job one = job("a", "up");

	(void)state;
	top_job_count(&one, &(struct top_counts){ .received = 1000 }, SECOND);
	top_job_count(
		&one, &(struct top_counts){ .received = 10, .sent = 125 }, 2 * SECOND);
	assert_int_equal(one.down, 0);
	assert_int_equal(one.up, 1000);
	top_job_count(&one, &(struct top_counts){ .received = 20 }, 2 * SECOND);
	assert_false(one.rated);
}

/* Applies the view, and returns the names in their order. */
static const char *order(
	const struct top_view *view, const struct top_job *jobs, size_t count)
{
	static char names[256];
	size_t length = 0;
	const struct top_job *shown[16];
	size_t left;

	for (size_t i = 0; i < count; i++)
		shown[i] = &jobs[i];
	left = top_view_apply(view, shown, count);
	names[0] = '\0';
	for (size_t i = 0; i < left; i++)
		length += (size_t)snprintf(
			names + length, sizeof(names) - length, "%s", shown[i]->name);
	/* The rest is after them, so that all jobs can still be found. */
	for (size_t i = 0; i < count; i++) {
		size_t found = 0;

		for (size_t j = 0; j < count; j++)
			found += shown[j] == &jobs[i];
		assert_int_equal(found, 1);
	}
	return names;
}

static void jobs_are_sorted_and_filtered(void **state)
{
	struct top_job jobs[] = { job("b", "up"), job("c", "cut-off"), job("a", "up"),
		job("d", "up") };
	struct top_view view = { .order = TOP_REFUSED };

	(void)state;
	jobs[0].counts = (struct top_counts){ .refused = 5, .open = 1 };
	jobs[1].counts = (struct top_counts){ .refused = 7 };
	assert_string_equal(order(&view, jobs, 4), "cbad");
	top_view_sort(&view, TOP_REFUSED);
	assert_string_equal(order(&view, jobs, 4), "adbc");
	top_view_sort(&view, TOP_NAME);
	assert_string_equal(order(&view, jobs, 4), "abcd");
	top_view_sort(&view, TOP_NAME);
	assert_string_equal(order(&view, jobs, 4), "dcba");
	top_view_sort(&view, TOP_STATE);
	assert_string_equal(order(&view, jobs, 4), "cabd");
	view.busy = true;
	assert_string_equal(order(&view, jobs, 4), "b");
	view.busy = false;
	strcpy(view.filter, "CUT");
	assert_string_equal(order(&view, jobs, 4), "c");
	strcpy(view.filter, "x");
	assert_string_equal(order(&view, jobs, 4), "");
	assert_string_equal(order(&view, jobs, 0), "");
}

/* No limit is the largest one. What is not known is the least. */
static void each_column_sorts(void **state)
{
	struct top_job jobs[] = { job("a", "up"), job("b", "up") };
	struct top_view view = {};

	(void)state;
	jobs[0].limit = 1000000;
	jobs[0].down = jobs[0].up = 1000; /* not rated */
	jobs[1].counts = (struct top_counts){ .open = 1, .requests = 1, .throttled = 1 };
	jobs[1].rated = true;
	jobs[1].down = jobs[1].up = jobs[1].memory = 1;
	for (view.order = TOP_DOWN; view.order < TOP_COLUMNS; view.order++)
		if (view.order != TOP_REFUSED)
			assert_string_equal(order(&view, jobs, 2), "ba");
}

static void sums_are_over_all_jobs(void **state)
{
	struct top_job jobs[] = { job("a", "up"), job("b", "gone"), job("c", "up") };
	const struct top_job *shown[] = { &jobs[0], &jobs[1], &jobs[2] };
	struct top_sums sums;

	(void)state;
	jobs[0].rated = jobs[2].rated = true;
	jobs[0].down = 5;
	jobs[2].down = 6;
	jobs[1].down = 100; /* of an earlier interval */
	jobs[2].up = 7;
	jobs[2].counts.open = 2;
	sums = top_sum(shown, 3);
	assert_int_equal(sums.up, 2);
	assert_int_equal(sums.down_rate, 11);
	assert_int_equal(sums.up_rate, 7);
	assert_int_equal(sums.open, 2);
}

static void numbers_take_few_columns(void **state)
{
	static const struct {
		uint64_t number;
		const char *text, *bytes;
	} rows[] = {
		{ 0, "0", "0" },
		{ 999, "999", "999" },
		{ 1000, "1.00k", "0.98Ki" },
		{ 1024, "1.02k", "1.00Ki" },
		{ 9994, "9.99k", "9.76Ki" },
		{ 9996, "10.0k", "9.76Ki" },
		{ 99949, "99.9k", "97.6Ki" },
		{ 99951, "100k", "97.6Ki" },
		{ 999499, "999k", "976Ki" },
		{ 999501, "1.00M", "976Ki" },
		{ UINT64_MAX, "18.4E", "16.0Ei" },
	};
	char text[TOP_NUMBER_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		top_format_number(rows[i].number, text);
		assert_string_equal(text, rows[i].text);
		top_format_bytes(rows[i].number, text);
		assert_string_equal(text, rows[i].bytes);
	}
}

static void times_take_few_columns(void **state)
{
	static const struct {
		uint64_t seconds;
		const char *text;
	} rows[] = {
		{ 0, "0.0s" },
		{ 99, "99.0s" },
		{ 100, "1m40s" },
		{ 5999, "99m59s" },
		{ 6000, "1h40m" },
		{ 359999, "99h59m" },
		{ 360000, "4d" },
	};
	char text[TOP_NUMBER_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		top_format_time(rows[i].seconds * SECOND, text);
		assert_string_equal(text, rows[i].text);
	}
	top_format_time(1234567890, text);
	assert_string_equal(text, "1.2s");
	top_format_time(UINT64_MAX, text);
	assert_true(strlen(text) <= 7);
}

static void a_line_fills_its_width(void **state)
{
	struct top_job one = job("a-name-that-is-longer-than-its-column", "unfenced");
	char line[TOP_WIDTH_MAX + 1];

	(void)state;
	one.limit = 1000000;
	one.weighed = true;
	one.memory = 1258291;
	top_job_count(&one, &(struct top_counts){}, SECOND);
	top_job_count(&one,
		&(struct top_counts){ .received = 125000,
			.sent = 62500,
			.open = 1024,
			.requests = 1234567,
			.refused = 12,
			.throttled = 90 * SECOND },
		2 * SECOND);
	top_format_job(&one, line, 80);
	assert_string_equal(line,
		"a-name-that-is-~ unfenced  1.00M   500k  1.00M 1024  1.23M      12  90.0s 1.20Mi");
	for (int width = 0; width <= 2 * TOP_WIDTH_MAX; width++) {
		size_t wanted = width < TOP_WIDTH_MIN	? TOP_WIDTH_MIN
				: width > TOP_WIDTH_MAX ? TOP_WIDTH_MAX
							: (size_t)width;

		top_format_job(&one, line, width);
		assert_int_equal(strlen(line), wanted);
		top_format_header(line, width);
		assert_int_equal(strlen(line), wanted);
	}
}

static void what_is_not_known_has_a_dash(void **state)
{
	struct top_job one = job("a", "up");
	char line[TOP_WIDTH_MAX + 1];

	(void)state;
	top_format_job(&one, line, 80);
	assert_string_equal(line,
		"a                up            -      -      -    -      -       -      -      -");
	one.has_proxy = false;
	top_job_count(&one, &(struct top_counts){ .refused = 3 }, SECOND);
	top_format_job(&one, line, 80);
	assert_string_equal(line,
		"a                up            -      -      -    -      -       3      -      -");
	one = job("b", "unreadable");
	top_format_job(&one, line, 80);
	assert_memory_equal(line, "b                unreadable  ", 29);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_need_two_samples),
		cmocka_unit_test(no_rate_comes_from_counts_that_went_back),
		cmocka_unit_test(jobs_are_sorted_and_filtered),
		cmocka_unit_test(each_column_sorts),
		cmocka_unit_test(sums_are_over_all_jobs),
		cmocka_unit_test(numbers_take_few_columns),
		cmocka_unit_test(times_take_few_columns),
		cmocka_unit_test(a_line_fills_its_width),
		cmocka_unit_test(what_is_not_known_has_a_dash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
