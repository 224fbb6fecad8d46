// SPDX-License-Identifier: BSD-2-Clause
/* Rules for methods and paths: which requests pass, and how they go upstream. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "proxy/judge.h"

#define END "\r\n\r\n"

static const struct proxy_settings settings = { .job = "j1",
	.header = "X-Job",
	.rules = "GET,HEAD a.test/repos/acme/**\n"
		 "POST a.test/graphql\n"
		 "* b.test/**\n",
	.node_rules = "GET b.test/**\n"
		      "GET .c.test/c\n" };

struct request {
	const char *text;
	enum verdict verdict;
	/* What goes upstream, or what the judgement says. */
	const char *result;
	const char *rule; /* that would allow it */
};

#define JOB(path) "Host: " path "\r\nX-Job: j1\r\n\r\n"

static const struct request requests[] = {
	{ "GET /repos/acme HTTP/1.1\r\nHost: a.test" END, VERDICT_PASS,
		"GET /repos/acme HTTP/1.1\r\n" JOB("a.test"), NULL },
	{ "GET http://A.test//repos/./%61cme/x/../y?z=/../%2F HTTP/1.1\r\nHost: a.test" END,
		VERDICT_PASS, "GET /repos/acme/y?z=/../%2F HTTP/1.1\r\n" JOB("a.test"),
		NULL },
	{ "POST /graphql?x HTTP/1.1\r\nHost: a.test" END, VERDICT_PASS,
		"POST /graphql?x HTTP/1.1\r\n" JOB("a.test"), NULL },
	{ "GET http://b.test HTTP/1.1\r\nHost: b.test" END, VERDICT_PASS,
		"GET / HTTP/1.1\r\n" JOB("b.test"), NULL },
	{ "GET http://b.test?x HTTP/1.1\r\nHost: b.test" END, VERDICT_PASS,
		"GET /?x HTTP/1.1\r\n" JOB("b.test"), NULL },
	{ "GET /c HTTP/1.1\r\nHost: c.test\r\nX-HTTP-Method-Override: DELETE\r\n"
	  "x_http_method: PUT\r\nX-Method-Override: PUT\r\n"
	  "X-Original-URL: /d\r\nX.Rewrite.Url: /d\r\n"
	  "x_forwarded_prefix: /d\r\nX-HTTP-Methods: a\r\nCopy-Source: b\r\n"
	  "X-Copy-Source-Range: c" END,
		VERDICT_PASS,
		"GET /c HTTP/1.1\r\nHost: c.test\r\nX-Job: j1\r\nX-HTTP-Methods: a\r\n"
		"Copy-Source: b\r\nX-Copy-Source-Range: c" END,
		NULL },
	{ "GET /c HTTP/1.1\r\nHost: c.test\r\nDestination: /d" END, VERDICT_FIELD,
		"the request asks for a second path by its field Destination", "" },
	{ "GET /c HTTP/1.1\r\nHost: c.test\r\nx_amz_COPY_source: /d" END, VERDICT_FIELD,
		"the request asks for a second path by its field x_amz_COPY_source", "" },
	{ "GET /c HTTP/1.1\r\nHost: c.test\r\nX-Ms-Rename-Source: /d" END, VERDICT_FIELD,
		"the request asks for a second path by its field X-Ms-Rename-Source", "" },
	{ "POST /repos/acme HTTP/1.1\r\nHost: a.test" END, VERDICT_JOB,
		"POST a.test/repos/acme", "POST a.test/repos/acme" },
	{ "GET /repos/acme-evil?x HTTP/1.1\r\nHost: a.test" END, VERDICT_JOB,
		"GET a.test/repos/acme-evil", "GET a.test/repos/acme-evil" },
	{ "GET /repos/acme/../evil HTTP/1.1\r\nHost: a.test" END, VERDICT_JOB,
		"GET a.test/repos/evil", "GET a.test/repos/evil" },
	{ "get /repos/acme HTTP/1.1\r\nHost: a.test" END, VERDICT_JOB,
		"get a.test/repos/acme", "" },
	/* A path that people would have to quote in another way, or that is no pattern. */
	{ "PUT /it's HTTP/1.1\r\nHost: a.test" END, VERDICT_JOB, "PUT a.test/it's", "" },
	{ "PUT /a*b HTTP/1.1\r\nHost: a.test" END, VERDICT_JOB, "PUT a.test/a*b", "" },
	/* The job may not have more than the node allows. */
	{ "POST / HTTP/1.1\r\nHost: b.test" END, VERDICT_NODE, "POST b.test/",
		"POST b.test/" },
	{ "GET /d HTTP/1.1\r\nHost: x.c.test" END, VERDICT_NODE, "GET x.c.test/d",
		"GET x.c.test/d" },
	{ "OPTIONS * HTTP/1.1\r\nHost: b.test" END, VERDICT_NO_FORM,
		"the request has no slash at the begin of its path", NULL },
	{ "GET /a%2fb HTTP/1.1\r\nHost: b.test" END, VERDICT_NO_FORM,
		"the request has an encoded slash in its path", NULL },
};

static void read_request(
	const char *text, struct http_head *head, struct http_target *target)
{
	assert_int_equal(http_head_parse(text, strlen(text), head), 0);
	assert_null(http_target_read(head, 80, target));
}

static void assert_judged(struct judge *judge, const struct request *request)
{
	static struct http_head head;
	struct http_target target;
	struct judgement judgement;
	struct buffer *out = buffer_get();

	assert_non_null(out);
	read_request(request->text, &head, &target);
	assert_true(judge_is_for(judge, &target.host));
	judge_request(judge, &head, &target, &judgement);
	if (judgement.verdict != request->verdict)
		fail_msg("%s: %d", request->text, (int)judgement.verdict);
	if (judgement.verdict == VERDICT_PASS) {
		assert_true(http_request_write(&head, &target, &settings, out));
		out->bytes[out->end] = '\0';
		assert_string_equal(out->bytes, request->result);
	} else {
		assert_string_equal(judgement.request, request->result);
	}
	if (request->rule)
		assert_string_equal(judgement.rule, request->rule);
	buffer_put(&out);
}

static void requests_are_judged_and_sent_in_one_form(void **state)
{
	struct judge *judge;

	(void)state;
	assert_int_equal(judge_new(&settings, NULL, &judge), 0);
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		assert_judged(judge, &requests[i]);
	judge_free(judge);
}

/* Without rules for a host, a request to it stays as it is. */
static void other_hosts_are_not_judged(void **state)
{
	static const struct proxy_settings none = { .job = "j1" };
	struct host host;
	struct judge *judge;

	(void)state;
	assert_int_equal(host_parse("d.test", 6, HOST_NO_BRACKETS, &host), 0);
	assert_int_equal(judge_new(&settings, NULL, &judge), 0);
	assert_false(judge_is_for(judge, &host));
	judge_free(judge);
	assert_int_equal(judge_new(&none, NULL, &judge), 0);
	assert_null(judge);
	assert_false(judge_is_for(judge, &host));
}

static void what_is_long_is_cut(void **state)
{
	static const char begin[] = "PUT /", end[] = " HTTP/1.1\r\nHost: a.test" END;
	static char text[BUFFER_SIZE];
	static struct http_head head;
	struct http_target target;
	struct judgement judgement;
	struct judge *judge;

	(void)state;
	memset(text, 'x', sizeof(text) - sizeof(end));
	memcpy(text, begin, sizeof(begin) - 1);
	memcpy(text + sizeof(text) - sizeof(end), end, sizeof(end));
	assert_int_equal(judge_new(&settings, NULL, &judge), 0);
	read_request(text, &head, &target);
	judge_request(judge, &head, &target, &judgement);
	assert_int_equal(judgement.verdict, VERDICT_JOB);
	assert_int_equal(strlen(judgement.request), JUDGED_TEXT_SIZE - 1);
	assert_string_equal(judgement.rule, "");
	judge_free(judge);
}

static void broken_settings_are_refused(void **state)
{
	static struct proxy_settings broken = { .rules = "GET a.test/\nGET a.test\n" },
				     unfinished = { .node_rules = "GET a.test/" }, full;
	struct judge *judge;

	(void)state;
	assert_int_equal(judge_new(&broken, NULL, &judge), -EPROTO);
	assert_null(judge);
	assert_int_equal(judge_new(&unfinished, NULL, &judge), -EPROTO);
	memset(full.rules, 'x', sizeof(full.rules));
	assert_int_equal(judge_new(&full, NULL, &judge), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_judged_and_sent_in_one_form),
		cmocka_unit_test(other_hosts_are_not_judged),
		cmocka_unit_test(what_is_long_is_cut),
		cmocka_unit_test(broken_settings_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
