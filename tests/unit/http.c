// SPDX-License-Identifier: BSD-2-Clause
/*
 * Heads and bodies of HTTP. The text that goes upstream for each request, and the
 * requests that never do.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "proxy/http_answer.h"
#include "proxy/http_body.h"
#include "proxy/http_request.h"
#include "proxy/http_response.h"

static const struct proxy_settings settings = { .job = "j1",
	.header = "X-Jobfence-Job-ID" };

#define STAMP "X-Jobfence-Job-ID: j1\r\n"
#define END   "\r\n\r\n"

/* A request, and the text that goes upstream in its place. NULL: it is refused. */
struct request {
	const char *text, *upstream;
};

static const struct request requests[] = {
	{ "GET / HTTP/1.1\r\nHost: a.test" END,
		"GET / HTTP/1.1\r\nHost: a.test\r\n" STAMP "\r\n" },
	{ "GET /x?y HTTP/1.1\r\nhOsT: A.Test." END,
		"GET /x?y HTTP/1.1\r\nHost: a.test\r\n" STAMP "\r\n" },
	{ "GET http://a.test/x HTTP/1.1\r\nHost: a.test:80" END,
		"GET /x HTTP/1.1\r\nHost: a.test:80\r\n" STAMP "\r\n" },
	{ "GET / HTTP/1.1\r\nHost: a.test:80" END,
		"GET / HTTP/1.1\r\nHost: a.test:80\r\n" STAMP "\r\n" },
	{ "GET / HTTP/1.1\r\nHost: a.test:" END,
		"GET / HTTP/1.1\r\nHost: a.test\r\n" STAMP "\r\n" },
	{ "GET http://a.test:080/ HTTP/1.1\r\nHost: a.test" END,
		"GET / HTTP/1.1\r\nHost: a.test\r\n" STAMP "\r\n" },
	{ "GET http://a.test:080/ HTTP/1.0" END,
		"GET / HTTP/1.1\r\nHost: a.test:80\r\n" STAMP "\r\n" },
	{ "GET / HTTP/1.1\r\nHost: -a-.test" END,
		"GET / HTTP/1.1\r\nHost: -a-.test\r\n" STAMP "\r\n" },
	{ "GET http://a.test HTTP/1.1\r\nHost: a.test" END,
		"GET / HTTP/1.1\r\nHost: a.test\r\n" STAMP "\r\n" },
	{ "GET http://a.test?q HTTP/1.1\r\nHost: a.test" END,
		"GET /?q HTTP/1.1\r\nHost: a.test\r\n" STAMP "\r\n" },
	{ "GET http://a.test/ HTTP/1.0" END,
		"GET / HTTP/1.1\r\nHost: a.test\r\n" STAMP "\r\n" },
	{ "GET http://a.test/ HTTP/1.0\r\nConnection: keep-alive" END,
		"GET / HTTP/1.1\r\nHost: a.test\r\n" STAMP "\r\n" },
	{ "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close" END,
		"GET / HTTP/1.1\r\nHost: a.test\r\n" STAMP "\r\n" },
	{ "OPTIONS * HTTP/1.1\r\nHost: a.test" END,
		"OPTIONS * HTTP/1.1\r\nHost: a.test\r\n" STAMP "\r\n" },
	{ "GET / HTTP/1.1\r\nHost: [2001:DB8::1]" END,
		"GET / HTTP/1.1\r\nHost: [2001:db8::1]\r\n" STAMP "\r\n" },
	/* the job's own copies of the header */
	{ "GET / HTTP/1.1\r\nX-Jobfence-Job-ID: no\r\nx-jobfence-job-id: no\r\nHost: a.test"
	  "\r\nX_Jobfence_Job_ID: no\r\nX.Jobfence.Job.ID: no\r\nX-Jobfence~Job_ID: no" END,
		"GET / HTTP/1.1\r\nHost: a.test\r\n" STAMP "\r\n" },
	{ "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: X-Jobfence-Job-ID, Foo\r\nFoo: 1\r\nBar: 2" END,
		"GET / HTTP/1.1\r\nHost: a.test\r\n" STAMP "Bar: 2\r\n\r\n" },
	/* as many as Connection may name, in one or more fields, and one more */
	{ "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p\r\n"
	  "Connection: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,q\r\nq: 1" END,
		"GET / HTTP/1.1\r\nHost: a.test\r\n" STAMP "\r\n" },
	{ "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p\r\n"
	  "Connection: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q" END,
		NULL },
	/* fields for one hop */
	{ "GET / HTTP/1.1\r\nHost: a.test\r\nProxy-Authorization: x\r\nTE: trailers\r\nKeep-Alive: 5\r\n"
	  "Accept: */*" END,
		"GET / HTTP/1.1\r\nHost: a.test\r\n" STAMP "Accept: */*\r\n\r\n" },
	{ "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
	  "HTTP2-Settings: AAMAAABkAAQAAP__" END,
		"GET / HTTP/1.1\r\nHost: a.test\r\n" STAMP "\r\n" },
	{ "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: WebSocket" END,
		"GET / HTTP/1.1\r\nHost: a.test\r\n" STAMP
		"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" },
	/* methods */
	{ "LIST /v1/secret HTTP/1.1\r\nHost: a.test" END,
		"LIST /v1/secret HTTP/1.1\r\nHost: a.test\r\n" STAMP "\r\n" },
	{ "x-!~9 / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3" END,
		"x-!~9 / HTTP/1.1\r\nHost: a.test\r\n" STAMP
		"Connection: close\r\nContent-Length: 3\r\n\r\n" },
	{ "connect a.test:80 HTTP/1.1\r\nHost: a.test:80" END, NULL },
	{ "connect / HTTP/1.1\r\nHost: a.test" END, NULL },
	{ "L(ST / HTTP/1.1\r\nHost: a.test" END, NULL },
	{ "L\xc3\x89 / HTTP/1.1\r\nHost: a.test" END, NULL },
	{ " / HTTP/1.1\r\nHost: a.test" END, NULL },
	{ "LIST\t/ HTTP/1.1\r\nHost: a.test" END, NULL },
	{ "LIST  / HTTP/1.1\r\nHost: a.test" END, NULL },
	/* bodies */
	{ "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3" END,
		"POST / HTTP/1.1\r\nHost: a.test\r\n" STAMP
		"Connection: close\r\nContent-Length: 3\r\n\r\n" },
	{ "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue" END,
		"POST / HTTP/1.1\r\nHost: a.test\r\n" STAMP
		"Expect: 100-continue\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n" },
	{ "GET / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3" END,
		"GET / HTTP/1.1\r\nHost: a.test\r\n" STAMP
		"Connection: close\r\nContent-Length: 3\r\n\r\n" },
	{ "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0" END,
		"POST / HTTP/1.1\r\nHost: a.test\r\n" STAMP "Content-Length: 0\r\n\r\n" },
	{ "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
	  "Content-Length: 3" END,
		"GET / HTTP/1.1\r\nHost: a.test\r\n" STAMP
		"Connection: close\r\nContent-Length: 3\r\n\r\n" },
	/* ambiguous framing */
	{ "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\nTransfer-Encoding: chunked" END,
		NULL },
	{ "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\nContent-Length: 3" END,
		NULL },
	{ "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3, 3" END, NULL },
	{ "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: +3" END, NULL },
	{ "POST / HTTP/1.1\r\nHost: a.test\r\nContent_Length: 3" END, NULL },
	{ "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: -1" END, NULL },
	{ "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length:" END, NULL },
	{ "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9999999999999999999" END,
		NULL },
	{ "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked, chunked" END,
		NULL },
	{ "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: gzip, chunked" END, NULL },
	{ "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: identity" END, NULL },
	{ "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: xchunked" END, NULL },
	{ "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: \vchunked" END, NULL },
	{ "POST / HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked" END, NULL },
	/* lines */
	{ "GET / HTTP/1.1\nHost: a.test\n\n", NULL },
	{ "GET / HTTP/1.1\r\nHost: a.test\nFoo: x" END, NULL },
	{ "GET / HTTP/1.1\r\nHost: a.test\rFoo: x" END, NULL },
	{ "GET / HTTP/1.1\r\nHost: a.test\r\n folded" END, NULL },
	{ "GET / HTTP/1.1\r\nFoo: x\r\n\tfolded\r\nHost: a.test" END, NULL },
	{ "GET / HTTP/1.1\r\nHost : a.test" END, NULL },
	{ "GET / HTTP/1.1\r\n Host: a.test" END, NULL },
	{ "GET / HTTP/1.1\r\nHost: a.test\r\nFoo x" END, NULL },
	{ "GET / HTTP/1.1\r\nHost: a.test\r\n: x" END, NULL },
	{ "GET / HTTP/1.1\r\nHost: a.test\r\nFoo: \x01" END, NULL },
	{ "GET  / HTTP/1.1\r\nHost: a.test" END, NULL },
	{ "GET / HTTP/1.2\r\nHost: a.test" END, NULL },
	{ "GET / HTTP/2.0\r\nHost: a.test" END, NULL },
	{ "GET /\r\nHost: a.test" END, NULL },
	{ "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", NULL },
	{ "GET /a b HTTP/1.1\r\nHost: a.test" END, NULL },
	/* hosts */
	{ "GET / HTTP/1.1" END, NULL },
	{ "GET / HTTP/1.1\r\nHost: a.test\r\nHost: a.test" END, NULL },
	{ "GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test" END, NULL },
	{ "GET http://a.test/ HTTP/1.1\r\nHost: b.test" END, NULL },
	{ "GET http://a.test/ HTTP/1.1\r\nHost: a.test:81" END, NULL },
	{ "GET http://a.test:81/ HTTP/1.1\r\nHost: a.test" END, NULL },
	{ "GET http://user@a.test/ HTTP/1.1\r\nHost: a.test" END, NULL },
	{ "GET http://a.test#b.test/ HTTP/1.1\r\nHost: a.test" END, NULL },
	{ "GET http://a.test%2eb.test/ HTTP/1.1\r\nHost: a.test" END, NULL },
	{ "GET https://a.test/ HTTP/1.1\r\nHost: a.test" END, NULL },
	{ "GET ftp://a.test/ HTTP/1.1\r\nHost: a.test" END, NULL },
	{ "GET //a.test/ HTTP/1.1\r\nHost: [a.test]" END, NULL },
	{ "GET / HTTP/1.1\r\nHost: a.test/" END, NULL },
	{ "GET / HTTP/1.1\r\nHost: a.test:80:80" END, NULL },
	{ "GET / HTTP/1.1\r\nHost:" END, NULL },
	{ "CONNECT a.test HTTP/1.1\r\nHost: a.test" END, NULL },
	{ "CONNECT a.test:443 HTTP/1.1\r\nHost: b.test:443" END, NULL },
	{ "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\nContent-Length: 1" END,
		NULL },
};

static bool upstream(const char *text, struct buffer *out)
{
	static struct http_head head;
	struct http_target target;
	size_t scanned = 0;
	int length = http_head_find(text, strlen(text), &scanned);

	if (length <= 0 || http_head_parse(text, (size_t)length, &head) ||
		http_target_read(&head, 80, &target))
		return false;
	assert_false(target.connect);
	assert_true(http_request_write(&head, &target, &settings, out));
	return true;
}

static void test_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		struct buffer *out = buffer_get();
		bool passed;

		assert_non_null(out);
		passed = upstream(requests[i].text, out);
		out->bytes[out->end] = '\0';
		if (passed != (requests[i].upstream != NULL) ||
			(passed && strcmp(out->bytes, requests[i].upstream)))
			fail_msg("request %zu:\n%s\nwent upstream as:\n%s\nand not as:\n%s",
				i, requests[i].text, passed ? out->bytes : "(refused)",
				requests[i].upstream ? requests[i].upstream : "(refused)");
		buffer_put(&out);
	}
}

/* No piece of a head is taken for a whole one. */
static void test_head_in_pieces(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: a.test" END "next";
	size_t scanned = 0;

	(void)state;
	for (size_t length = 0; length < sizeof(text) - 5; length++)
		assert_int_equal(http_head_find(text, length, &scanned), 0);
	assert_int_equal(
		http_head_find(text, sizeof(text) - 1, &scanned), sizeof(text) - 5);
}

struct body_row {
	const char *text, *out; /* NULL: malformed */
	const char *rest;
	bool irregular; /* as a response */
};

static const struct body_row bodies[] = {
	{ "3\r\nabc\r\n0\r\n\r\nGET", "3\r\nabc\r\n0\r\n\r\n", "GET" },
	{ "0003;x=y\r\nabc\r\n0\r\nX-Jobfence-Job-ID: forged\r\n\r\n",
		"3\r\nabc\r\n0\r\n\r\n", "", true },
	{ "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "" },
	{ "3\r\nabcd\r\n0\r\n\r\n", NULL, NULL },
	{ "3\nabc\r\n0\r\n\r\n", NULL, NULL },
	{ "3\r\nabc\n0\r\n\r\n", NULL, NULL },
	{ "3 \r\nabc\r\n0\r\n\r\n", NULL, NULL },
	{ "+3\r\nabc\r\n0\r\n\r\n", NULL, NULL },
	{ "0x3\r\nabc\r\n0\r\n\r\n", NULL, NULL },
	{ "-1\r\nabc\r\n0\r\n\r\n", NULL, NULL },
	{ "10000000000000003\r\nabc\r\n0\r\n\r\n", NULL, NULL },
	{ ";\r\nabc\r\n0\r\n\r\n", NULL, NULL },
};

/* Bodies of responses, which clients read. */
static const struct body_row irregular[] = {
	{ "3\nabc\n0\n\nHTTP", "3\r\nabc\r\n0\r\n\r\n", "HTTP", true },
	{ "3\nabc\r\n0\r\nA: b\n\n", "3\r\nabc\r\n0\r\n\r\n", "", true },
	{ "3 \r\nabc\r\n0  \r\n\r\n", "3\r\nabc\r\n0\r\n\r\n", "", true },
	{ " 3\t\r\nabc\r\n0\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n", "", true },
	{ "3 ; a=b\r\nabc\r\n0\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n", "", true },
	{ "3; a = \"b c\"\r\nabc\r\n0\r\nA : b\n\r\n", "3\r\nabc\r\n0\r\n\r\n", "", true },
	{ "3\r\nabc\r\n0\r\n/\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n", "", true },
	{ "3;\r\nabc\r\n0\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n", "", true },
	{ "3\r\nabc\r\n0\r\nContent-Length: 3\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n", "", true },
	{ "3\r\nabcd\r\n0\r\n\r\n", NULL, NULL },
	{ "3\rabc\r\n0\r\n\r\n", NULL, NULL },
	{ "3\r\nabc\r0\r\n\r\n", NULL, NULL },
	{ "3\r\nabc0\r\n\r\n", NULL, NULL },
	{ "3 3\r\nabc\r\n0\r\n\r\n", NULL, NULL },
	{ "3 x\r\nabc\r\n0\r\n\r\n", NULL, NULL },
	{ "+3\r\nabc\r\n0\r\n\r\n", NULL, NULL },
	{ "0x3\r\nabc\r\n0\r\n\r\n", NULL, NULL },
	{ "10000000000000003\r\nabc\r\n0\r\n\r\n", NULL, NULL },
	{ ";\r\nabc\r\n0\r\n\r\n", NULL, NULL },
	{ "\r\nabc\r\n0\r\n\r\n", NULL, NULL },
	{ " \r\nabc\r\n0\r\n\r\n", NULL, NULL },
};

/* Feeds a body in pieces of `step` bytes. Returns whether it is well-formed. */
static bool move(const struct body_row *row, bool answer, size_t step, struct buffer *in,
	struct buffer *out)
{
	size_t length = strlen(row->text);
	struct http_body body;

	if (answer)
		http_body_begin_answer(&body, FRAMING_CHUNKED, 0, true);
	else
		http_body_begin(&body, FRAMING_CHUNKED, 0, true);
	for (size_t i = 0; i < length; i += step) {
		buffer_append(in, row->text + i, length - i < step ? length - i : step);
		if (http_body_move(&body, in, out))
			return false;
	}
	if (answer && body.complete)
		assert_int_equal(body.irregular, row->irregular);
	return body.complete;
}

static void assert_moved(const struct body_row *row, bool answer)
{
	struct buffer *in = buffer_get(), *out = buffer_get();
	bool passed = move(row, answer, 1000, in, out);

	if (passed != (row->out != NULL) ||
		(passed && (buffer_length(out) != strlen(row->out) ||
				   memcmp(out->bytes, row->out, out->end))))
		fail_msg("body %s became: %.*s", row->text, (int)out->end, out->bytes);
	if (passed)
		assert_memory_equal(in->bytes + in->start, row->rest, strlen(row->rest));
	buffer_put(&in);
	buffer_put(&out);
}

static void test_bodies(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		assert_moved(&bodies[i], false);
		if (bodies[i].out)
			assert_moved(&bodies[i], true);
	}
	for (size_t i = 0; i < ARRAY_SIZE(irregular); i++)
		assert_moved(&irregular[i], true);
}

static void test_body_byte_by_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct buffer *in = buffer_get(), *out = buffer_get();

		assert_int_equal(
			move(&bodies[i], false, 1, in, out), bodies[i].out != NULL);
		buffer_put(&in);
		buffer_put(&out);
	}
	for (size_t i = 0; i < ARRAY_SIZE(irregular); i++) {
		struct buffer *in = buffer_get(), *out = buffer_get();

		assert_int_equal(
			move(&irregular[i], true, 1, in, out), irregular[i].out != NULL);
		buffer_put(&in);
		buffer_put(&out);
	}
}

struct response {
	const char *text;
	struct http_asked asked;
	const char *out; /* NULL: malformed */
	enum http_framing framing;
	bool irregular;
};

static const struct response responses[] = {
	{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close" END, { .keep = true },
		"HTTP/1.1 200 OK\r\nContent-Length: 3" END, FRAMING_LENGTH },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked" END, { .keep = true },
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked" END, FRAMING_CHUNKED },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked" END, { .old = true },
		"HTTP/1.1 200 OK\r\nConnection: close" END, FRAMING_CHUNKED },
	{ "HTTP/1.1 204 No Content\r\nContent-Length: 3" END, { .keep = true },
		"HTTP/1.1 204 No Content" END, FRAMING_NONE },
	{ "HTTP/1.1 304 Not Modified\r\nContent-Length: 3" END, { .keep = true },
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 3" END, FRAMING_NONE },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 3" END, { .head = true, .keep = true },
		"HTTP/1.1 200 OK\r\nContent-Length: 3" END, FRAMING_NONE },
	{ "HTTP/1.0 200 OK" END, {}, "HTTP/1.1 200 OK\r\nConnection: close" END,
		FRAMING_CLOSE },
	{ "HTTP/1.1 100 Continue" END, { .keep = true }, "HTTP/1.1 100 Continue" END,
		FRAMING_NONE },
	{ "HTTP/1.1 200" END, { .keep = true }, "HTTP/1.1 200 " END, FRAMING_CLOSE },
	/* a site does not pass for the fence */
	{ "HTTP/1.1 403 No\r\nX-Jobfence-Denied: domain\r\nx_jobfence.denied: a" END,
		{ .keep = true }, "HTTP/1.1 403 No" END, FRAMING_CLOSE },
	{ "HTTP/1.1 200 OK\r\nProxy-Status: cdn; error=x\r\nProxy-Status: cdn, JobFence" END,
		{ .keep = true }, "HTTP/1.1 200 OK\r\nProxy-Status: cdn; error=x" END,
		FRAMING_CLOSE },
	{ "HTTP/1.1 200 OK\r\nProxy-Status: cdn,\r\n jobfence; error=x" END,
		{ .keep = true }, "HTTP/1.1 200 OK" END, FRAMING_CLOSE, true },
	/* clients read these, but use the connection only once */
	{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked" END,
		{ .keep = true }, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked" END,
		FRAMING_CHUNKED, true },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked" END,
		{ .keep = true, .head = true }, "HTTP/1.1 200 OK" END, FRAMING_NONE, true },
	{ "HTTP/1.1 200 OK\nContent-Length: 3\n\n", { .keep = true },
		"HTTP/1.1 200 OK\r\nContent-Length: 3" END, FRAMING_LENGTH, true },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 3\nA: b" END, { .keep = true },
		"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 3" END, FRAMING_LENGTH, true },
	{ "HTTP/1.1 200 OK\r\nContent-Length : 3\r\nA\t: b" END, { .keep = true },
		"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 3" END, FRAMING_LENGTH, true },
	{ "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\t d\r\nB:\r\n e" END, { .keep = true },
		"HTTP/1.1 200 OK\r\nA: b   c  \t d\r\nB: e" END, FRAMING_CLOSE, true },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3" END, { .keep = true },
		"HTTP/1.1 200 OK\r\nContent-Length: 3" END, FRAMING_LENGTH, true },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 3, 3" END, { .keep = true },
		"HTTP/1.1 200 OK\r\nContent-Length: 3" END, FRAMING_LENGTH, true },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 3," END, { .keep = true },
		"HTTP/1.1 200 OK\r\nContent-Length: 3" END, FRAMING_LENGTH, true },
	{ "HTTP/1.1   200 OK\r\nContent-Length: 3" END, { .keep = true },
		"HTTP/1.1 200 OK\r\nContent-Length: 3" END, FRAMING_LENGTH, true },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 3" END,
		{ .keep = true }, "HTTP/1.1 200 OK\r\nContent-Length: 3" END,
		FRAMING_LENGTH, true },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity" END, {},
		"HTTP/1.1 200 OK\r\nConnection: close" END, FRAMING_CLOSE, true },
	{ "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked" END, { .keep = true },
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked" END, FRAMING_CHUNKED,
		true },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4" END, {}, NULL, 0 },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 3, 4" END, {}, NULL, 0 },
	{ "HTTP/1.1 200 OK\r\nContent-Length:" END, {}, NULL, 0 },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked" END, {}, NULL, 0 },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked" END, {}, NULL, 0 },
	{ "HTTP/1.1 200 OK\r\n A: b" END, {}, NULL, 0 },
	{ "HTTP/1.1 200 OK\r\nA: b\rC: d" END, {}, NULL, 0 },
	{ "HTTP/1.1 200 OK\r\nA" END, {}, NULL, 0 },
	{ "HTTP/1.1 200 OK\r\nA b: c" END, {}, NULL, 0 },
	{ "HTTP/1.1 200 OK\r\n: c" END, {}, NULL, 0 },
	{ "HTTP/1.1 200 OK\r\nA: \x01" END, {}, NULL, 0 },
	{ "HTTP/1.1 2000 OK" END, {}, NULL, 0 },
	{ "HTTP/1.1  20" END, {}, NULL, 0 },
	{ "HTTP/1.1    " END, {}, NULL, 0 },
	{ "HTTP/3.1 200 OK" END, {}, NULL, 0 },
	{ "HTTP/1.1 99 OK" END, {}, NULL, 0 },
	{ "GET / HTTP/1.1\r\nHost: a.test" END, {}, NULL, 0 },
};

static void test_responses(void **state)
{
	static struct http_head head;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(responses); i++) {
		const struct response *row = &responses[i];
		struct buffer *out = buffer_get();
		char text[256];
		size_t scanned = 0;
		int length = http_answer_find(row->text, strlen(row->text), &scanned);
		bool passed;

		memcpy(text, row->text, strlen(row->text) + 1);
		passed = length > 0 && !http_answer_parse(text, (size_t)length, &head);

		if (passed != (row->out != NULL))
			fail_msg("response %zu: %s was %s", i, row->text,
				passed ? "passed" : "refused");
		if (passed) {
			assert_true(http_response_write(
				&head, &row->asked, row->asked.keep, out));
			out->bytes[out->end] = '\0';
			assert_string_equal(out->bytes, row->out);
			assert_int_equal(
				http_response_framing(&head, &row->asked), row->framing);
			assert_int_equal(head.irregular, row->irregular);
		}
		buffer_put(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_head_in_pieces),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_body_byte_by_byte),
		cmocka_unit_test(test_responses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
