// SPDX-License-Identifier: BSD-2-Clause
/* Names of slices. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "node/slice.h" /* before cmocka, which has a fail() of its own */
#include "lib/cleanup.h"

#include <cmocka.h>

static const struct {
	const char *job, *unit;
} pairs[] = {
	{ "j1", "jobfence-j1.slice" },
	{ "a-b", "jobfence-a\\x2db.slice" },
	{ "a--", "jobfence-a\\x2d\\x2d.slice" },
	{ "a.b_C", "jobfence-a.b_C.slice" },
	{ "a.slice", "jobfence-a.slice.slice" },
	{ "x2d", "jobfence-x2d.slice" },
};

static void units_of_jobs(void **state)
{
	char unit[PATH_SIZE], place[PATH_SIZE], name[JOB_NAME_MAX + 1];
	static const struct {
		const char *before, *after;
	} places[] = { { "/jobfence.slice/", "" },
		{ "/jobfence.slice/", "/docker-1.scope" }, { "", ":docker:1" },
		{ "", "" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		assert_int_equal(slice_unit(pairs[i].job, unit), 0);
		assert_string_equal(unit, pairs[i].unit);
		for (size_t j = 0; j < ARRAY_SIZE(places); j++) {
			assert_int_equal(path_format(place, "%s%s%s", places[j].before,
						 unit, places[j].after),
				0);
			assert_int_equal(slice_job(place, name), 0);
			assert_string_equal(name, pairs[i].job);
		}
	}
}

static void children_of_slices(void **state)
{
	char name[JOB_NAME_MAX + 1];

	(void)state;
	assert_int_equal(slice_job("jobfence-j1-pod.slice:libpod:1", name), 0);
	assert_string_equal(name, "j1");
	assert_int_equal(
		slice_job("/jobfence.slice/jobfence-j1.slice/jobfence-j1-pod.slice/x.scope",
			name),
		0);
	assert_string_equal(name, "j1");
}

static void other_places(void **state)
{
	static const char *const places[] = {
		"", "/", "/jobfence.slice", "jobfence.slice:a:b", "/jobfence.slice/",
		"/jobfence.slice/docker-1.scope", "jobfence-.slice:a:b",
		"jobfence--a.slice:a:b", "jobfence-a:b:c", "jobfence-a.scope",
		"jobfence-a\\x2fb.slice", "jobfence-a\\.slice", "jobfence-a\\x2.slice",
		"/system.slice/jobfence-a.slice", "system.slice:docker:1",
		"/jobfence-a.slice/x", "xjobfence-a.slice:a:b",
		"jobfence-0123456789012345678901234567890123456789012345678901234567890123.slice"
	};
	char name[JOB_NAME_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		assert_int_equal(slice_job(places[i], name), -ENOENT);
}

static void names_too_long_for_systemd(void **state)
{
	char job[JOB_NAME_MAX + 1], unit[PATH_SIZE];

	(void)state;
	memset(job, 'a', JOB_NAME_MAX);
	job[JOB_NAME_MAX] = '\0';
	assert_int_equal(slice_unit(job, unit), 0);
	memset(job, '-', JOB_NAME_MAX);
	assert_int_equal(slice_unit(job, unit), -ENAMETOOLONG);
	/* The longest that fits: "jobfence-", 60 dashes and ".slice" are 255 characters. */
	job[60] = '\0';
	assert_int_equal(slice_unit(job, unit), 0);
	assert_int_equal(strlen(unit), 255);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units_of_jobs),
		cmocka_unit_test(children_of_slices),
		cmocka_unit_test(other_places),
		cmocka_unit_test(names_too_long_for_systemd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
