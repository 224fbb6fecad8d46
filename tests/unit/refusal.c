// SPDX-License-Identifier: BSD-2-Clause
/* The form of a refusal by Accept, and what it says in both forms. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "proxy/http_accept.h"
#include "proxy/refusal_body.h"

/* Fields of a request, each with its end of line, and whether it gets JSON. */
static const struct {
	const char *fields;
	bool json;
} accepts[] = {
	{ "", false },
	{ "Accept:\r\n", false },
	{ "Accept: */*\r\n", false },
	{ "Accept: application/json\r\n", true },
	{ "accept: Application/JSON\r\n", true },
	{ "Accept: application/json, text/plain, */*\r\n", true },
	{ "Accept: application/json, */*\r\n", true },
	{ "Accept: application/json, */*;q=0.5\r\n", true },
	{ "Accept: application/*\r\n", true },
	{ "Accept: application/vnd.github+json\r\n", false },
	{ "Accept: application/jsonp, x/application/json\r\n", false },
	{ "Accept: text/html\r\nAccept: application/json\r\n", true },
	{ "X-Accept: application/json\r\nAccept-Language: application/json\r\n", false },
	/* weights */
	{ "Accept: application/json;q=0\r\n", false },
	{ "Accept: application/json;q=0, */*\r\n", false },
	{ "Accept: application/json;q=0.1, text/plain;q=0\r\n", true },
	{ "Accept: text/plain;q=0.5, application/json ; Q=0.501\r\n", true },
	{ "Accept: text/plain, application/json;q=0.999\r\n", false },
	{ "Accept: text/*;q=0.3, application/json;q=0.3\r\n", true },
	{ "Accept: text/plain;q=0.3, */*\r\n", true },
	{ "Accept: application/json;q=1.000, text/plain;q=0.9\r\n", true },
	{ "Accept: application/json;charset=utf-8;q=0.9, text/plain;q=0.8\r\n", true },
	/* ranges that do not count */
	{ "Accept: application/json;q=1.1\r\n", false },
	{ "Accept: application/json;q=2\r\n", false },
	{ "Accept: application/json;q=-1\r\n", false },
	{ "Accept: application/json;q=0.1234\r\n", false },
	{ "Accept: application/json;q=\r\n", false },
	{ "Accept: application/json;q=0.x, */*\r\n", false },
	{ "Accept: ,;,;q=1,,=;\";,\r\n", false },
	{ "Accept: ,, application/json ,\r\n", true },
	{ "Accept: text/html;a=\", application/json, \"\r\n", false },
	{ "Accept: text/html;a=\"\\\", application/json, \", application/json\r\n", true },
	{ "Accept: text/html;a=\"\\\r\n", false },
};

static void test_accepts(void **state)
{
	static struct http_head head;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(accepts); i++) {
		char text[512];
		int length = snprintf(text, sizeof(text),
			"GET / HTTP/1.1\r\nHost: a.test\r\n%s\r\n", accepts[i].fields);

		assert_int_equal(http_head_parse(text, (size_t)length, &head), 0);
		if (http_accepts_json(&head) != accepts[i].json)
			fail_msg("row %zu: %s", i, accepts[i].fields);
	}
}

/* One field as long as a head may be is read in one pass. */
static void test_long_accept(void **state)
{
	static struct http_head head;
	static char value[BUFFER_SIZE];

	(void)state;
	for (const char *piece = "a/b;q=0.1,"; *piece; piece++) {
		memset(value, *piece, sizeof(value));
		head.fields[0] =
			(struct http_field){ { "Accept", 6 }, { value, sizeof(value) } };
		head.count = 1;
		assert_false(http_accepts_json(&head));
	}
}

#define WORDS "jobfence: network: job j1"

static const struct {
	struct refusal_text text;
	const char *plain, *json;
} bodies[] = {
	{ { .status = 403, .reason = REASON_DOMAIN, .name = "a.test", .port = 80 },
		WORDS " may not reach a.test\n"
		      "The job did not declare this domain. To allow it, declare it:\n"
		      "    --domain a.test\nAsk \"ops\"\\.\n",
		"{\"error\":\"" WORDS
		" may not reach a.test\",\"job\":\"j1\",\"host\":\"a.test\","
		"\"port\":80,\"by\":\"fence\",\"reason\":\"domain\","
		"\"missing\":{\"option\":\"--domain\",\"value\":\"a.test\"},"
		"\"next_steps\":[\"The job did not declare this domain. To allow it, declare it:"
		" --domain a.test\"],\"operator_text\":\"Ask \\\"ops\\\"\\\\.\"}\n" },
	{ { .status = 403,
		  .reason = REASON_RULE,
		  .name = "a.test",
		  .port = 80,
		  .judgement = &(const struct judgement){ VERDICT_JOB, "PUT a.test/\"x",
			  "PUT a.test/\"x" } },
		WORDS
		" may not request PUT a.test/\"x\n"
		"No rule of the job for this domain allows that. To allow it, add one:\n"
		"    --rule 'PUT a.test/\"x'\nAsk \"ops\"\\.\n",
		"{\"error\":\"" WORDS
		" may not request PUT a.test/\\\"x\",\"job\":\"j1\",\"host\":\"a.test\","
		"\"port\":80,\"by\":\"fence\",\"reason\":\"rule\","
		"\"missing\":{\"option\":\"--rule\",\"value\":\"PUT a.test/\\\"x\"},"
		"\"next_steps\":[\"No rule of the job for this domain allows that. To allow it, "
		"add one: --rule 'PUT a.test/\\\"x'\"],"
		"\"operator_text\":\"Ask \\\"ops\\\"\\\\.\"}\n" },
	/* No name has such bytes. */
	{ { .status = 502,
		  .failure = SITE_CLOSED,
		  .name = "\x1b]0;\x7f\"\\",
		  .explanation = "e" },
		WORDS ": \x1b]0;\x7f\"\\: e\n",
		"{\"error\":\"" WORDS ": \\u001b]0;\\u007f\\\"\\\\: e\",\"job\":\"j1\","
		"\"host\":\"\\u001b]0;\\u007f\\\"\\\\\",\"port\":null,\"by\":\"fence\","
		"\"reason\":\"unreachable\",\"missing\":null,\"next_steps\":[\"The fence refused "
		"nothing. Try again, or ask the operators of the site and of the node.\"],"
		"\"operator_text\":null}\n" },
};

static void test_bodies(void **state)
{
	static const struct proxy_settings settings = {
		.job = "j1", .header = "X-Jobfence-Job-ID", .refusal_text = "Ask \"ops\"\\."
	};
	static struct buffer body;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
		for (int json = 0; json < 2; json++) {
			const char *wanted = json ? bodies[i].json : bodies[i].plain;

			body.start = body.end = 0;
			assert_true(refusal_body(&bodies[i].text, &settings, json, &body));
			assert_int_equal(buffer_length(&body), strlen(wanted));
			assert_memory_equal(body.bytes, wanted, strlen(wanted));
		}
}

/* All that may be long is, and each byte of it needs an escape. */
static void test_longest_body(void **state)
{
	static struct proxy_settings settings;
	static char name[NAME_LENGTH_MAX + 1];
	static struct buffer body;
	const struct refusal_text text = {
		.status = 403, .reason = REASON_DOMAIN, .name = name, .port = 65535
	};

	(void)state;
	memset(settings.job, 'j', sizeof(settings.job) - 1);
	memset(settings.refusal_text, '\n', sizeof(settings.refusal_text) - 1);
	memset(name, 'n', sizeof(name) - 1);
	assert_true(refusal_body(&text, &settings, true, &body));
	memset(name, '"', sizeof(name) - 1);
	assert_true(refusal_body(&text, &settings, false, &body));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepts),
		cmocka_unit_test(test_long_accept),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_longest_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
