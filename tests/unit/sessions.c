// SPDX-License-Identifier: BSD-2-Clause
/* The sessions of TLS that a job may resume, and the hash that marks them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/sessions.h"

static struct sessions *sessions;

static struct host host(const char *name)
{
	struct host parsed;

	assert_int_equal(host_parse(name, strlen(name), HOST_NO_BRACKETS, &parsed), 0);
	return parsed;
}

static uint64_t mark_at(
	unsigned char last, const char *name, enum session_kind kind, const char *text)
{
	struct host parsed = host(name);
	struct address address = { .bytes = { [15] = last } };

	return sessions_mark(sessions, (struct session_site){ &parsed, &address }, kind,
		(const unsigned char *)text, strlen(text));
}

static uint64_t mark(const char *name, enum session_kind kind, const char *text)
{
	return mark_at(1, name, kind, text);
}

/* Appendix A of the paper. */
static void the_hash_is_siphash(void **state)
{
	static const uint64_t key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
	unsigned char bytes[15];
	struct siphash hash;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	for (size_t cut = 0; cut <= sizeof(bytes); cut++) {
		siphash_begin(&hash, key);
		siphash_add(&hash, bytes, cut);
		siphash_add(&hash, bytes + cut, sizeof(bytes) - cut);
		assert_true(siphash_end(&hash) == 0xa129ca6149be45e5);
	}
}

static void a_session_is_known_by_its_name_address_kind_and_bytes(void **state)
{
	(void)state;
	sessions_keep(sessions, mark("a.test", SESSION_ID, "abc"));
	assert_true(sessions_know(sessions, mark("a.test", SESSION_ID, "abc")));
	assert_true(sessions_know(sessions, mark("A.test.", SESSION_ID, "abc")));
	assert_false(sessions_know(sessions, mark("b.test", SESSION_ID, "abc")));
	assert_false(sessions_know(sessions, mark("a.testa", SESSION_ID, "bc")));
	assert_false(sessions_know(sessions, mark("a.test", SESSION_TICKET, "abc")));
	assert_false(sessions_know(sessions, mark("a.test", SESSION_ID, "abd")));
	assert_false(sessions_know(sessions, mark_at(2, "a.test", SESSION_ID, "abc")));
}

static void nothing_is_no_session(void **state)
{
	(void)state;
	assert_true(mark("a.test", SESSION_ID, "") == 0);
	sessions_keep(sessions, 0);
	assert_false(sessions_know(sessions, 0));
}

static void the_oldest_goes_first(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= 4096; i++)
		sessions_keep(sessions, i);
	/*
	 * A session becomes the newest when it is asked for, and when it is kept again.
	 */
	assert_true(sessions_know(sessions, 1));
	sessions_keep(sessions, 2);
	sessions_keep(sessions, 5000);
	sessions_keep(sessions, 5001);
	assert_true(sessions_know(sessions, 1));
	assert_true(sessions_know(sessions, 2));
	assert_false(sessions_know(sessions, 3));
	assert_false(sessions_know(sessions, 4));
	assert_true(sessions_know(sessions, 5));
	assert_true(sessions_know(sessions, 5001));
}

static int open_sessions(void **state)
{
	(void)state;
	return sessions_new(&sessions);
}

static int close_sessions(void **state)
{
	(void)state;
	sessions_free(sessions);
	return 0;
}

#define WITH_SESSIONS(test) \
	cmocka_unit_test_setup_teardown(test, open_sessions, close_sessions)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hash_is_siphash),
		WITH_SESSIONS(a_session_is_known_by_its_name_address_kind_and_bytes),
		WITH_SESSIONS(nothing_is_no_session),
		WITH_SESSIONS(the_oldest_goes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
