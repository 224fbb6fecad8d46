// SPDX-License-Identifier: BSD-2-Clause
/* The lines of the request log: hostile texts, the longest line, a pipe that is full. */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "proxy/loop.h"
#include "proxy/request_log.h"

static const struct proxy_settings settings = { .job = "j1" };

struct fixture {
	struct loop *loop;
	struct request_log *log;
	int pipe[2];
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_false(pipe2(fixture->pipe, O_NONBLOCK | O_CLOEXEC));
	assert_false(loop_new(&fixture->loop));
	assert_false(
		request_log_new(fixture->loop, &settings, fixture->pipe[1], &fixture->log));
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	request_log_free(fixture->log);
	loop_free(fixture->loop);
	close(fixture->pipe[0]);
	close(fixture->pipe[1]);
	free(fixture);
	return 0;
}

/*
 * Reads what is in the pipe. Returns the number of lines, and the last one in `last`. Adds
 * those that were dropped to `lost`. Either may be NULL.
 */
static size_t read_lines(const struct fixture *fixture, uint64_t *lost, json_t **last)
{
	static char text[1 << 18];
	ssize_t length = read(fixture->pipe[0], text, sizeof(text) - 1);
	size_t count = 0;
	char *line = text, *end;

	text[length > 0 ? length : 0] = '\0';
	for (json_t *said = NULL; (end = strchr(line, '\n')); line = end + 1) {
		json_int_t dropped;

		said = json_loadb(line, (size_t)(end - line), JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(said);
		dropped = json_integer_value(json_object_get(said, "count"));
		if (lost)
			*lost += (uint64_t)dropped;
		count += !dropped;
		if (last && !end[1])
			*last = said;
		else
			json_decref(said);
	}
	assert_int_equal(*line, '\0');
	return count;
}

static struct log_line a_line(const struct fixture *fixture)
{
	return (struct log_line){ .began = loop_now(fixture->loop) - 1234567890,
		.first_byte = loop_now(fixture->loop) - 50 * MILLISECOND,
		.pid = 4711,
		.comm = "curl",
		.method = "GET",
		.scheme = "http",
		.host = { "crates.io", 9 },
		.port = 80,
		.status = 200,
		.by = LOG_BY_SITE,
		.sent = 123,
		.received = 0,
		.upstream = "93.184.216.34",
		.connected = true };
}

static void test_line(void **state)
{
	const struct fixture *fixture = *state;
	const struct log_line line = a_line(fixture);
	static const char expected[] =
		",\"job\":\"j1\",\"number\":1,\"pid\":4711,\"comm\":\"curl\",\"kind\":\"request\","
		"\"method\":\"GET\",\"scheme\":\"http\",\"host\":\"crates.io\",\"port\":80,\"path\":null,"
		"\"status\":200,\"by\":\"site\",\"reason\":null,\"detail\":null,\"sent\":123,\"received\":0,"
		"\"milliseconds\":1234.5,\"first_byte_milliseconds\":1184.5,\"upstream\":\"93.184.216.34\","
		"\"server_name\":null,\"reused\":false}\n";
	char text[LOG_LINE_MAX];
	ssize_t length;

	request_log_add(fixture->log, &line);
	assert_int_equal(read(fixture->pipe[0], text, sizeof(text)), -1);
	request_log_flush(fixture->log);
	length = read(fixture->pipe[0], text, sizeof(text) - 1);
	assert_true(length > 0);
	text[length] = '\0';
	assert_memory_equal(text, "{\"version\":1,\"time\":\"20", 23);
	assert_memory_equal(text + 44, "Z\"", 2);
	assert_string_equal(text + 46, expected);
}

/* Every byte there is, in every text, stays within its field. */
static void test_hostile(void **state)
{
	const struct fixture *fixture = *state;
	struct log_line line = a_line(fixture);
	char every[256], name[COMM_LENGTH] = "\"\\\n\x1b[31m\x9b\x7f,:{}";
	json_t *said;

	for (int i = 0; i < 255; i++)
		every[i] = (char)(i + 1);
	every[255] = '\0';
	line.comm = name;
	line.method = line.path = line.detail = line.more_detail = every;
	line.upstream = line.server_name = every;
	line.host = (struct slice){ every, 256 };
	request_log_add(fixture->log, &line);
	request_log_flush(fixture->log);
	assert_int_equal(read_lines(fixture, NULL, &said), 1);
	assert_int_equal(json_object_size(said), 23);
	assert_string_equal(
		json_string_value(json_object_get(said, "comm")), "\"\\??[31m??,:{}");
	assert_int_equal(json_string_length(json_object_get(said, "host")), 253);
	assert_int_equal(json_string_length(json_object_get(said, "path")), LOG_PATH_MAX);
	assert_string_equal(json_string_value(json_object_get(said, "by")), "site");
	json_decref(said);
}

/* The longest texts, all of which have to be escaped, many times. */
static void test_longest(void **state)
{
	const struct fixture *fixture = *state;
	struct log_line line = a_line(fixture);
	char quotes[2048];
	json_t *said;

	memset(quotes, '"', sizeof(quotes));
	quotes[sizeof(quotes) - 1] = '\0';
	line.comm = line.method = line.path = line.detail = line.more_detail = quotes;
	line.upstream = line.server_name = quotes;
	line.host = (struct slice){ quotes, sizeof(quotes) };
	line.pid = UINT32_MAX;
	line.sent = line.received = INT64_MAX;
	line.began = 0;
	for (int i = 0; i < 10; i++)
		request_log_add(fixture->log, &line);
	request_log_flush(fixture->log);
	assert_int_equal(read_lines(fixture, NULL, &said), 10);
	assert_int_equal(json_integer_value(json_object_get(said, "number")), 10);
	json_decref(said);
}

/* What a full pipe does not take is counted, and told before the next line. */
static void test_full(void **state)
{
	const struct fixture *fixture = *state;
	const struct log_line line = a_line(fixture);
	uint64_t lines = 0, lost = 0;

	for (int i = 0; i < 3000; i++) {
		json_t *said;

		request_log_add(fixture->log, &line);
		if (i % 1000 == 999) {
			request_log_flush(fixture->log);
			lines += read_lines(fixture, &lost, &said);
			json_decref(said);
		}
	}
	assert_in_range(lost, 1000, 2999);
	request_log_add(fixture->log, &line);
	request_log_flush(fixture->log);
	lines += read_lines(fixture, &lost, NULL);
	assert_int_equal(lines + lost, 3001);
}

static void test_dropped(void **state)
{
	const struct fixture *fixture = *state;
	const struct log_line line = a_line(fixture);
	char filler[65536] = {};

	assert_true(write(fixture->pipe[1], filler, sizeof(filler)) > 0);
	for (int i = 0; i < 3; i++) {
		request_log_add(fixture->log, &line);
		request_log_flush(fixture->log);
	}
	assert_true(read(fixture->pipe[0], filler, sizeof(filler)) > 0);
	/* What was dropped is told as soon as there is room, also without a line. */
	request_log_flush(fixture->log);
	memset(filler, 0, sizeof(filler));
	assert_true(read(fixture->pipe[0], filler, sizeof(filler) - 1) > 0);
	assert_non_null(strstr(filler, "\"kind\":\"dropped\",\"count\":3}\n"));
	request_log_add(fixture->log, &line);
	request_log_flush(fixture->log);
	assert_true(read(fixture->pipe[0], filler, sizeof(filler)) > 0);
	assert_memory_equal(filler, "{\"version\":1,", 13);
}

/* The end of a round of the loop writes what waits. */
struct round {
	struct deferred deferred;
	const struct fixture *fixture;
};

static void add_and_stop(struct deferred *deferred)
{
	const struct fixture *fixture =
		container_of(deferred, struct round, deferred)->fixture;
	const struct log_line line = a_line(fixture);

	request_log_add(fixture->log, &line);
	loop_stop(fixture->loop);
}

static void test_round(void **state)
{
	const struct fixture *fixture = *state;
	struct round round = { .deferred.run = add_and_stop, .fixture = fixture };
	json_t *said = NULL;

	loop_defer(fixture->loop, &round.deferred);
	assert_false(loop_run(fixture->loop));
	assert_int_equal(read_lines(fixture, NULL, &said), 1);
	json_decref(said);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = { TEST(test_line), TEST(test_hostile),
		TEST(test_longest), TEST(test_full), TEST(test_dropped), TEST(test_round) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
