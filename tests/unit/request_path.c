// SPDX-License-Identifier: BSD-2-Clause
/* The canonical form of the path of a request, and what has none. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "names/request_path.h"

#define BYTES(literal) (literal), sizeof(literal) - 1

/* Canonicalises into memory of exactly the size that is promised to be enough. */
static const char *canonical(const char *text, size_t length, char **out, size_t *written)
{
	*out = malloc(length + 1);
	assert_non_null(*out);
	return request_path_canonical(text, length, *out, written);
}

static void assert_becomes(const char *text, const char *wanted)
{
	_free_ char *out = NULL, *again = NULL;
	size_t length, length_again;
	const char *problem = canonical(text, strlen(text), &out, &length);

	if (problem)
		fail_msg("refused: %s: %s", text, problem);
	if (length != strlen(wanted) || memcmp(out, wanted, length))
		fail_msg("%s became %.*s, not %s", text, (int)length, out, wanted);
	assert_null(canonical(out, length, &again, &length_again));
	assert_int_equal(length, length_again);
	assert_memory_equal(out, again, length);
}

static void paths_become_canonical(void **state)
{
	static const char *const rows[][2] = {
		{ "", "/" },
		{ "/", "/" },
		{ "?a=b", "/?a=b" },
		{ "/a", "/a" },
		{ "/a/", "/a/" },
		{ "/a/b?c", "/a/b?c" },
		{ "/a/b?", "/a/b?" },
		/* What is unreserved is decoded, and nothing else. */
		{ "/%61%7E%2d%5f%2E5", "/a~-_.5" },
		{ "/a%20b", "/a%20b" },
		{ "/a%3fb%3d", "/a%3Fb%3D" },
		{ "/%2a*%21!", "/%2A*%21!" },
		{ "/caf%c3%a9/%e2%82%ac/%f0%9f%98%80",
			"/caf%C3%A9/%E2%82%AC/%F0%9F%98%80" },
		{ "/100%25", "/100%25" },
		{ "/100%25/", "/100%25/" },
		{ "/100%25x4", "/100%25x4" },
		{ "/%25%25", "/%25%25" },
		/* Slashes and dots. */
		{ "//", "/" },
		{ "//a///b//", "/a/b/" },
		{ "/./a/./b/.", "/a/b/" },
		{ "/a/b/../c", "/a/c" },
		{ "/a/b/..", "/a/" },
		{ "/a/..", "/" },
		{ "/a/../b/../c", "/c" },
		{ "/a//../b", "/b" },
		{ "/a/%2e%2E/b", "/b" },
		{ "/a/.%2e/b", "/b" },
		{ "/a/%2e", "/a/" },
		{ "/a/...", "/a/..." },
		{ "/a/.b/..c/d..", "/a/.b/..c/d.." },
		{ "/http://x.test/", "/http:/x.test/" },
		/* Parameters after a segment. */
		{ "/a;b=c/d", "/a;b=c/d" },
		{ "/a%3bb/d", "/a%3Bb/d" },
		{ "/...;x", "/...;x" },
		{ "/a;..", "/a;.." },
		/* The query stays. */
		{ "/a?b=%2F..%2f/../%25%32\\;x//", "/a?b=%2F..%2f/../%25%32\\;x//" },
		{ "/a/..?/..", "/?/.." },
		{ "/a?b?c", "/a?b?c" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_becomes(rows[i][0], rows[i][1]);
}

struct refused {
	const char *text;
	size_t length;
	const char *problem; /* a part of it */
};

static void other_paths_are_refused_with_the_cause(void **state)
{
	static const struct refused rows[] = {
		{ BYTES("a"), "no slash" },
		{ BYTES("*"), "no slash" },
		{ BYTES("\\a"), "no slash" },
		{ BYTES("/a%2fb"), "encoded slash" },
		{ BYTES("/a%2Fb"), "encoded slash" },
		{ BYTES("/a%5cb"), "backslash" },
		{ BYTES("/a%5C..%5Cb"), "backslash" },
		{ BYTES("/a\\b"), "backslash" },
		{ BYTES("/.."), "above the root" },
		{ BYTES("/a/../../b"), "above the root" },
		{ BYTES("/a/%2e%2e/%2e%2e"), "above the root" },
		{ BYTES("/a//../.."), "above the root" },
		{ BYTES("/./.."), "above the root" },
		{ BYTES("/a\0b"), "control byte" },
		{ BYTES("/a\tb"), "control byte" },
		{ BYTES("/a b"), "blank" },
		{ BYTES("/a\x7f"), "control byte" },
		{ BYTES("/a%00"), "encoded control" },
		{ BYTES("/a%0d%0a"), "encoded control" },
		{ BYTES("/a%7F"), "encoded control" },
		{ BYTES("/caf\xc3\xa9"), "beyond ASCII" },
		{ BYTES("/a%ff"), "UTF-8" },
		{ BYTES("/a%c0%af"), "UTF-8" },
		{ BYTES("/a%e0%80%af"), "UTF-8" },
		{ BYTES("/a%f0%80%80%af"), "UTF-8" },
		{ BYTES("/a%ed%a0%80"), "UTF-8" },
		{ BYTES("/a%f4%90%80%80"), "UTF-8" },
		{ BYTES("/a%c3"), "UTF-8" },
		{ BYTES("/a%c3/%a9"), "UTF-8" },
		{ BYTES("/a%80"), "UTF-8" },
		{ BYTES("/a%252fb"), "within an encoding" },
		{ BYTES("/a%252Eb"), "within an encoding" },
		{ BYTES("/a%25%32%66b"), "within an encoding" },
		{ BYTES("/a%25252f"), "within an encoding" },
		{ BYTES("/a%25%2541"), "within an encoding" },
		{ BYTES("/100%"), "percent sign" },
		{ BYTES("/%2"), "percent sign" },
		{ BYTES("/%zz"), "percent sign" },
		{ BYTES("/%u002f"), "percent sign" },
		{ BYTES("/%%32%66"), "percent sign" },
		{ BYTES("/a/..;/b"), "parameter" },
		{ BYTES("/a/..;x=1/b"), "parameter" },
		{ BYTES("/a/.;x"), "parameter" },
		{ BYTES("/a/;x/b"), "parameter" },
		{ BYTES("/a/%2e%2e;/b"), "parameter" },
		{ BYTES("/a/..%3b/b"), "parameter" },
		{ BYTES("/a/..%3B;/b"), "parameter" },
		{ BYTES("/a#b"), "fragment" },
		{ BYTES("/a?b c"), "query" },
		{ BYTES("/a?b\n"), "query" },
		{ BYTES("/a?\xc3\xa9"), "query" },
		{ BYTES("/a?b#c"), "query" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_free_ char *out = NULL;
		size_t length;
		const char *problem =
			canonical(rows[i].text, rows[i].length, &out, &length);

		if (!problem)
			fail_msg("not refused: %s", rows[i].text);
		else if (!strstr(problem, rows[i].problem))
			fail_msg("%s: %s", rows[i].text, problem);
	}
}

static void the_query_is_no_part_of_the_path(void **state)
{
	(void)state;
	assert_int_equal(request_path_length(BYTES("/a?b?c")), 2);
	assert_int_equal(request_path_length(BYTES("/a")), 2);
	assert_int_equal(request_path_length(BYTES("?")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_become_canonical),
		cmocka_unit_test(other_paths_are_refused_with_the_cause),
		cmocka_unit_test(the_query_is_no_part_of_the_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
