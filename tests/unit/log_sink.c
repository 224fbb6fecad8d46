// SPDX-License-Identifier: BSD-2-Clause
/* Where the supervisor writes the request log: rotation, full files, nobody who reads. */

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "proxy/log_sink.h"

#define MAX 4000 /* bytes of both files */

struct fixture {
	struct log_sink sink;
	int in, file, old;
	char text[200000];
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	int pair[2];

	assert_false(pipe2(pair, O_NONBLOCK | O_CLOEXEC));
	fixture->in = pair[1];
	fixture->file = memfd_create("log", MFD_CLOEXEC);
	fixture->old = memfd_create("old", MFD_CLOEXEC);
	assert_false(fcntl(fixture->file, F_SETFL, O_APPEND));
	assert_false(fcntl(fixture->old, F_SETFL, O_APPEND));
	log_sink_open(&fixture->sink, "j1", pair[0], fixture->file, fixture->old, MAX);
	assert_true(fixture->sink.regular);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	close(fixture->sink.pipe);
	close(fixture->in);
	close(fixture->file);
	close(fixture->old);
	free(fixture);
	return 0;
}

static void say(const struct fixture *fixture, const char *text)
{
	assert_int_equal(write(fixture->in, text, strlen(text)), strlen(text));
}

/* Says it, and has the sink pass on what is there. */
static void pass_on(struct fixture *fixture, const char *text)
{
	say(fixture, text);
	log_sink_drain(&fixture->sink);
}

static const char *holds(struct fixture *fixture, int fd)
{
	ssize_t length = pread(fd, fixture->text, sizeof(fixture->text) - 1, 0);

	fixture->text[length > 0 ? length : 0] = '\0';
	return fixture->text;
}

/* Has the sink write to a pipe. Returns its other end. */
static int become_stream(struct fixture *fixture)
{
	int pair[2];

	assert_false(pipe2(pair, O_NONBLOCK | O_CLOEXEC));
	close(fixture->file);
	fixture->file = pair[1];
	log_sink_open(&fixture->sink, "j1", fixture->sink.pipe, fixture->file, -1, MAX);
	assert_false(fixture->sink.regular);
	return pair[0];
}

/* Runs the sink once, if poll(2) finds something. Returns whether it did. */
static bool run(struct fixture *fixture)
{
	struct pollfd fd;

	log_sink_prepare(&fixture->sink, &fd);
	if (poll(&fd, 1, 0) <= 0)
		return false;
	log_sink_run(&fixture->sink, &fd);
	return true;
}

static void test_rest(void **state)
{
	struct fixture *fixture = *state;
	struct pollfd fd;

	assert_int_equal(log_sink_prepare(&fixture->sink, &fd), -1);
	assert_int_equal(fd.fd, fixture->sink.pipe);
	assert_false(run(fixture));
	say(fixture, "one\ntwo\nthr");
	assert_true(run(fixture));
	assert_string_equal(holds(fixture, fixture->file), "one\ntwo\n");
	assert_in_range(log_sink_prepare(&fixture->sink, &fd), 1, 10);
	assert_int_equal(fd.fd, -1);
	pass_on(fixture, "ee\n");
	assert_string_equal(holds(fixture, fixture->file), "one\ntwo\nthree\n");
}

static void test_rotation(void **state)
{
	struct fixture *fixture = *state;
	char line[101];
	struct stat status;

	for (int i = 0; i < 45; i++) {
		snprintf(line, sizeof(line), "%-98d\n", i);
		pass_on(fixture, line);
		assert_false(fstat(fixture->file, &status));
		assert_in_range(status.st_size, 1, MAX / 2);
		assert_false(fstat(fixture->old, &status));
		assert_in_range(status.st_size, 0, MAX / 2);
	}
	assert_int_equal(strtol(holds(fixture, fixture->file), NULL, 10), 40);
	assert_int_equal(strlen(fixture->text), 5 * 99);
	assert_int_equal(strtol(holds(fixture, fixture->old), NULL, 10), 20);
	assert_int_equal(strlen(fixture->text), 20 * 99);
}

/* A file that was longer before loses its oldest lines, whole. */
static void test_longer_before(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 1000; i++)
		assert_int_equal(dprintf(fixture->file, "before %d\n", i), i < 10    ? 9
									   : i < 100 ? 10
										     : 11);
	pass_on(fixture, "new\n");
	assert_string_equal(holds(fixture, fixture->file), "new\n");
	assert_memory_equal(holds(fixture, fixture->old), "before ", 7);
	assert_string_equal(fixture->text + strlen(fixture->text) - 11, "before 999\n");
	assert_in_range(strlen(fixture->text), MAX / 2 - 11, MAX / 2);
}

/* Without a file for older lines, the file is the caller's, and has no limit. */
static void test_no_old(void **state)
{
	struct fixture *fixture = *state;

	fixture->sink.old = -1;
	for (int i = 0; i < 1000; i++) {
		say(fixture, "a line\n");
		assert_int_equal(write(fixture->file, "its own\n", 8), 8);
		log_sink_drain(&fixture->sink);
	}
	assert_int_equal(strlen(holds(fixture, fixture->file)), 1000 * (7 + 8));
	assert_int_equal(fixture->sink.lost, 0);
}

/* Has writes beyond `length` fail. Returns the limit that was. */
static rlim_t limit_files(rlim_t length)
{
	struct rlimit limit;
	rlim_t before;

	signal(SIGXFSZ, SIG_IGN);
	assert_false(getrlimit(RLIMIT_FSIZE, &limit));
	before = limit.rlim_cur;
	limit.rlim_cur = length;
	assert_false(setrlimit(RLIMIT_FSIZE, &limit));
	return before;
}

/* A file of the caller is not cut. A part of a line in it takes no other with it. */
static void test_torn(void **state)
{
	struct fixture *fixture = *state;
	rlim_t before = limit_files(20);

	fixture->sink.old = -1;
	pass_on(fixture, "first\nthe second\nthe third\n");
	pass_on(fixture, "the fourth\n");
	assert_string_equal(holds(fixture, fixture->file), "first\nthe second\nthe");
	limit_files(before);
	pass_on(fixture, "the fifth\n");
	holds(fixture, fixture->file);
	assert_memory_equal(fixture->text, "first\nthe second\nthe\n{\"version\":1,", 34);
	assert_non_null(strstr(fixture->text, "\"count\":2}\nthe fifth\n"));
}

/* A limit on the length of files stands for a full file system: both write a part. */
static void test_full(void **state)
{
	struct fixture *fixture = *state;
	rlim_t before = limit_files(20);

	pass_on(fixture, "first\n");
	pass_on(fixture, "the second\nthe third\n");
	pass_on(fixture, "the fourth\n");
	assert_string_equal(holds(fixture, fixture->file), "first\n");
	limit_files(before);
	pass_on(fixture, "the fifth\n");
	holds(fixture, fixture->file);
	assert_memory_equal(fixture->text, "first\n{\"version\":1,\"time\":\"", 27);
	assert_non_null(strstr(fixture->text,
		"\",\"job\":\"j1\",\"kind\":\"dropped\",\"count\":3}\nthe fifth\n"));
}

/* Lines that were lost are told at the end, too, when no other line comes. */
static void test_lost_at_the_end(void **state)
{
	struct fixture *fixture = *state;
	rlim_t before = limit_files(20);

	pass_on(fixture, "first\n");
	say(fixture, "the second\nthe third\n");
	log_sink_end(&fixture->sink);
	assert_string_equal(holds(fixture, fixture->file), "first\n");
	limit_files(before);
	for (int i = 0; i < 2; i++) {
		log_sink_end(&fixture->sink);
		holds(fixture, fixture->file);
		assert_memory_equal(fixture->text, "first\n{\"version\":1,", 19);
		assert_string_equal(strstr(fixture->text, "\"kind\""),
			"\"kind\":\"dropped\",\"count\":2}\n");
	}
}

/* A worker that was taken over may write anything. */
static void test_control_bytes(void **state)
{
	struct fixture *fixture = *state;
	_fd_ int out = become_stream(fixture);

	say(fixture, "\033]0;title\a\033[2J\r\t\x7f\xc2\x9b 1~\n");
	assert_int_equal(write(fixture->in, "nul\0\n", 5), 5);
	log_sink_drain(&fixture->sink);
	assert_int_equal(read(out, fixture->text, sizeof(fixture->text)), 28);
	assert_memory_equal(fixture->text, "?]0;title??[2J????? 1~\nnul?\n", 28);
}

/* A worker that was taken over may write anything. */
static void test_endless_line(void **state)
{
	struct fixture *fixture = *state;
	char part[1001];

	memset(part, 'x', 1000);
	part[1000] = '\0';
	say(fixture, "first\n");
	for (int i = 0; i < 50; i++) {
		pass_on(fixture, part);
	}
	pass_on(fixture, "the end of it\nnext\n");
	holds(fixture, fixture->file);
	assert_memory_equal(fixture->text, "first\n{", 7);
	assert_non_null(strstr(fixture->text, "\"count\":1}\nnext\n"));
}

/* A stream gets the count as well, but not inside of a line. */
static void test_lost_before_a_stream(void **state)
{
	struct fixture *fixture = *state;
	_fd_ int out = become_stream(fixture);
	ssize_t length;

	fixture->sink.lost = 2;
	fixture->sink.torn = true;
	pass_on(fixture, "the rest\nnext\n");
	log_sink_end(&fixture->sink);
	length = read(out, fixture->text, sizeof(fixture->text) - 1);
	assert_true(length > 0);
	fixture->text[length] = '\0';
	assert_memory_equal(fixture->text, "the rest\nnext\n{", 15);
	assert_non_null(strstr(fixture->text, "\"count\":2}\n"));
	assert_int_equal(fixture->sink.lost, 0);
}

static void test_unread(void **state)
{
	struct fixture *fixture = *state;
	_fd_ int out = become_stream(fixture);
	struct pollfd fd;
	char line[101];
	size_t said = 0, length = 0, lines = 0;
	ssize_t part;

	memset(line, 'x', 99);
	line[99] = '\n';
	/* Until nothing takes any more: the stream, the sink, and the worker's pipe. */
	for (int i = 0; i < 5000; i++) {
		said += write(fixture->in, line, 100) == 100;
		log_sink_drain(&fixture->sink);
	}
	assert_in_range(said, 1200, 2000);
	log_sink_prepare(&fixture->sink, &fd);
	assert_int_equal(fd.fd, fixture->file);
	assert_int_equal(fd.events, POLLOUT);
	assert_false(run(fixture));
	/* Somebody reads: every line that was taken comes, and whole. */
	while ((part = read(out, fixture->text, sizeof(fixture->text))) > 0) {
		for (ssize_t i = 0; i < part; i++) {
			assert_int_equal(fixture->text[i], line[length++ % 100]);
			lines += fixture->text[i] == '\n';
		}
		log_sink_drain(&fixture->sink);
	}
	assert_int_equal(lines, said);
}

static void test_reader_gone(void **state)
{
	struct fixture *fixture = *state;
	int out = become_stream(fixture);

	signal(SIGPIPE, SIG_IGN);
	close(out);
	for (int i = 0; i < 3; i++) {
		pass_on(fixture, "nobody\nreads\n");
		assert_false(fixture->sink.blocked);
		assert_int_equal(fixture->sink.length, 0);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = { TEST(test_rest), TEST(test_rotation),
		TEST(test_longer_before), TEST(test_no_old), TEST(test_torn),
		TEST(test_full), TEST(test_lost_at_the_end), TEST(test_control_bytes),
		TEST(test_endless_line), TEST(test_lost_before_a_stream), TEST(test_unread),
		TEST(test_reader_gone) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
