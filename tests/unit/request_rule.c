// SPDX-License-Identifier: BSD-2-Clause
/* Rules for methods and paths: how they are written, and what they allow. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "names/request_path.h"
#include "names/rule_declaration.h"

#define _rules_ _cleanup_(request_rules_free)

static void declare(struct request_rules *rules, const char *text)
{
	const char *problem = NULL;

	if (rule_declare(rules, text, strlen(text), &problem))
		fail_msg("%s: %s", text, problem);
}

static struct host host_of(const char *name)
{
	struct host host;

	assert_int_equal(host_parse(name, strlen(name), HOST_NO_BRACKETS, &host), 0);
	return host;
}

/* Judges "METHOD host/path", whose path has to be canonical. */
static bool allow(const struct request_rules *rules, const char *request)
{
	struct rule_parts parts;
	char name[NAME_LENGTH_MAX + 1];
	_free_ char *path = malloc(strlen(request) + 1);
	size_t length;
	struct host host;

	assert_null(rule_split(request, strlen(request), &parts));
	snprintf(name, sizeof(name), "%.*s", (int)parts.host_length, parts.host);
	host = host_of(name);
	assert_null(request_path_canonical(parts.path, parts.path_length, path, &length));
	return request_rules_allow(
		rules, &host, parts.methods, parts.methods_length, path, length);
}

static void rules_become_canonical(void **state)
{
	static const char *const rows[][2] = {
		{ "GET example.com/a", "GET example.com/a" },
		{ " GET,HEAD\tExample.COM./%61/ ", "GET,HEAD example.com/a/" },
		{ "* .example.com/**", "* .example.com/**" },
		{ "M-SEARCH *.example.com/*/b", "M-SEARCH *.example.com/*/b" },
		{ "GET b\xc3\xbc"
		  "cher.example/",
			"GET xn--bcher-kva.example/" },
		{ "GET 192.0.2.1/x/../y", "GET 192.0.2.1/y" },
		{ "GET 2001:DB8::1/y", "GET 2001:db8::1/y" },
		{ "GET example.com/**/c", "GET example.com/**/c" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_rules_ struct request_rules rules = {};
		const char *problem;

		declare(&rules, rows[i][0]);
		assert_string_equal(rules.list[0].text, rows[i][1]);
		assert_int_equal(rules.size, strlen(rows[i][1]) + 1);
		/* It reads as itself again, also without IDNA, and is one rule. */
		assert_int_equal(
			request_rules_add(&rules, rows[i][1], strlen(rows[i][1]), &problem),
			0);
		assert_int_equal(rules.count, 1);
	}
}

static void mistakes_are_named(void **state)
{
	static const char *const rows[][2] = {
		{ "", "METHODS HOST/PATH" },
		{ "GET", "METHODS HOST/PATH" },
		{ "example.com/a", "METHODS HOST/PATH" },
		{ "GET example.com", "a path after its host" },
		{ "GET http://example.com/a", "no scheme" },
		{ "get example.com/a", "capital letters" },
		{ "GET,post example.com/a", "capital letters" },
		{ "GE(T example.com/a", "capital letters" },
		{ "GET,,HEAD example.com/a", "a method is missing" },
		{ "GET, example.com/a", "a method is missing" },
		{ "GET,* example.com/a", "stands alone" },
		{ "CONNECT example.com/a", "CONNECT" },
		{ "GET, HEAD example.com/a", "blanks" },
		{ "GET example.com:80/a", "a port" },
		{ "GET /a", "a domain is missing" },
		{ "GET *.192.0.2.1/a", "no names below" },
		{ "GET exa*mple.com/a", "wildcard" },
		{ "GET example.com/a?b", "no query" },
		{ "GET example.com/a#b", "fragment" },
		{ "GET example.com/a%2fb", "encoded slash" },
		{ "GET example.com/../b", "above the root" },
		{ "GET example.com/a b", "blank" },
		{ "GET example.com/a*", "whole segment" },
		{ "GET example.com/a/***", "whole segment" },
		{ "GET example.com/**/b/**", "at most once" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_rules_ struct request_rules rules = {};
		const char *text = rows[i][0], *problem = NULL;

		assert_int_equal(
			rule_declare(&rules, text, strlen(text), &problem), -EINVAL);
		if (!strstr(problem, rows[i][1]))
			fail_msg("%s: %s", text, problem);
		assert_int_equal(rules.count, 0);
	}
}

static void a_set_is_bounded(void **state)
{
	_rules_ struct request_rules rules = {}, long_ones = {};
	const char *problem = NULL;
	static const char begin[] = "GET a.test/";
	char text[REQUEST_RULES_SIZE + 1];

	(void)state;
	for (int i = 0; i < REQUEST_RULES_MAX; i++) {
		snprintf(text, sizeof(text), "GET example.com/%d", i);
		declare(&rules, text);
	}
	assert_int_equal(rule_declare(&rules, "GET a.test/", 11, &problem), -E2BIG);
	assert_int_equal(rules.count, REQUEST_RULES_MAX);
	memset(text, 'a', sizeof(text));
	memcpy(text, begin, sizeof(begin) - 1);
	assert_int_equal(
		rule_declare(&long_ones, text, REQUEST_RULES_SIZE, &problem), -EINVAL);
	assert_int_equal(
		rule_declare(&long_ones, text, REQUEST_RULES_SIZE - 1, &problem), 0);
	assert_int_equal(rule_declare(&long_ones, "GET a.test/", 11, &problem), -E2BIG);
}

struct judged {
	const char *rule, *request;
	bool allowed;
};

static void rules_allow_what_they_say(void **state)
{
	static const struct judged rows[] = {
		{ "GET,HEAD a.test/b", "GET a.test/b", true },
		{ "GET,HEAD a.test/b", "HEAD a.test/b", true },
		{ "GET,HEAD a.test/b", "POST a.test/b", false },
		{ "GET,HEAD a.test/b", "GE a.test/b", false },
		{ "GET,HEAD a.test/b", "get a.test/b", false },
		{ "GET,HEAD a.test/b", "HEADS a.test/b", false },
		{ "* a.test/b", "DELETE a.test/b", true },
		{ "* a.test/b", "delete a.test/b", true },
		{ "GET a.test/b", "GET a.test/b/", false },
		{ "GET a.test/b/", "GET a.test/b/", true },
		{ "GET a.test/b/", "GET a.test/b", false },
		{ "GET a.test/b", "GET a.test/B", false },
		{ "GET a.test/", "GET a.test/", true },
		{ "GET a.test/", "GET a.test/b", false },
		{ "GET a.test/repos/acme/**", "GET a.test/repos/acme", true },
		{ "GET a.test/repos/acme/**", "GET a.test/repos/acme/", true },
		{ "GET a.test/repos/acme/**", "GET a.test/repos/acme/b/c", true },
		{ "GET a.test/repos/acme/**", "GET a.test/repos/acme-evil", false },
		{ "GET a.test/repos/acme/**", "GET a.test/repos/acme-evil/b", false },
		{ "GET a.test/repos/acme/**", "GET a.test/repos/acme;x/b", false },
		{ "GET a.test/repos/acme/**", "GET a.test/repos/", false },
		{ "GET a.test/repos/acme/**", "GET a.test/repos/acme/../x", false },
		{ "GET a.test/repos/**", "GET a.test/repos/a%3Fx/tags", false },
		{ "GET a.test/repos/*/tags", "GET a.test/repos/a%23/tags", false },
		{ "GET a.test/wiki/C%23", "GET a.test/wiki/C%23", true },
		{ "GET a.test/**", "GET a.test/", true },
		{ "GET a.test/**", "GET a.test/b/c/d/", true },
		{ "GET a.test/*", "GET a.test/b", true },
		{ "GET a.test/*", "GET a.test/", false },
		{ "GET a.test/*", "GET a.test/b/c", false },
		{ "GET a.test/*/c", "GET a.test/b/c", true },
		{ "GET a.test/*/c", "GET a.test/c", false },
		{ "GET a.test/**/c", "GET a.test/c", true },
		{ "GET a.test/**/c", "GET a.test/b/b/c", true },
		{ "GET a.test/**/c", "GET a.test/b/cc", false },
		{ "GET a.test/**/c", "GET a.test/c/b", false },
		{ "GET a.test/b/**/c/*", "GET a.test/b/c/d", true },
		{ "GET a.test/b/**/c/*", "GET a.test/b/x/y/c/d", true },
		{ "GET a.test/b/**/c/*", "GET a.test/b/c", false },
		{ "GET a.test/b/**/c/*", "GET a.test/b/c/c/", false },
		{ "GET a.test/b/**/b", "GET a.test/b", false },
		{ "GET .a.test/b", "POST a.test/b", false },
		{ "GET .a.test/b", "POST x.a.test/b", false },
		{ "GET *.a.test/b", "POST x.y.a.test/b", false },
		{ "GET 192.0.2.1/b", "POST 192.0.2.1/b", false },
		{ "GET 2001:db8::1/b", "POST 2001:db8:0::1/b", false },
		/* These hosts have no rule. */
		{ "GET *.a.test/b", "POST a.test/c", true },
		{ "GET .a.test/b", "POST xa.test/c", true },
		{ "GET a.test/b", "POST x.a.test/c", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_rules_ struct request_rules rules = {};

		declare(&rules, rows[i].rule);
		if (allow(&rules, rows[i].request) != rows[i].allowed)
			fail_msg("%s: %s", rows[i].rule, rows[i].request);
	}
}

static void any_rule_of_a_host_may_allow(void **state)
{
	_rules_ struct request_rules rules = {};
	struct host named = host_of("a.test"), other = host_of("b.test");

	(void)state;
	assert_true(allow(&rules, "POST a.test/c"));
	assert_false(request_rules_name(&rules, &named));
	declare(&rules, "GET a.test/**");
	declare(&rules, "POST .a.test/c");
	assert_true(allow(&rules, "GET a.test/c"));
	assert_true(allow(&rules, "POST a.test/c"));
	assert_false(allow(&rules, "POST a.test/d"));
	assert_false(allow(&rules, "GET x.a.test/d"));
	assert_true(request_rules_name(&rules, &named));
	assert_false(request_rules_name(&rules, &other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_become_canonical),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(a_set_is_bounded),
		cmocka_unit_test(rules_allow_what_they_say),
		cmocka_unit_test(any_rule_of_a_host_may_allow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
