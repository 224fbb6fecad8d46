// SPDX-License-Identifier: BSD-2-Clause
/*
 * DNS messages. Every query ends at a page without access, so a read of one byte too many
 * kills the test. Answers are compared byte by byte.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "proxy/dns_message.h"

#define BYTES(literal) (literal), sizeof(literal) - 1
#define ROOM	       4096

#include "room.h"

#define FLAGS	   "\1\0" /* recursion is desired */
#define ONE	   "\0\1\0\0\0\0\0\0"
#define ONE_EDNS   "\0\1\0\0\0\0\0\1"
#define FOO	   "\3foo\3com\0"
#define A_IN	   "\0\1\0\1"
#define OPT	   "\0\0\51\4\320\0\0\0\0\0\0" /* of 1232 bytes */
#define QUERY	   "id" FLAGS ONE FOO A_IN
#define QUERY_EDNS "id" FLAGS ONE_EDNS FOO A_IN OPT
#define SOA	   "\300\14\0\6\0\1\0\0\0\74\0\26\0\0\0\0\0\1\0\0\0\74\0\0\0\74\0\0\0\74\0\0\0\74"
#define OPT_ANSWER "\0\0\51\4\320\0\0\0\0"

static size_t put(unsigned char *at, const void *bytes, size_t length)
{
	memcpy(at, bytes, length);
	return length;
}

static int parse(const void *bytes, size_t length, struct dns_query *query)
{
	unsigned char *copy = room + ROOM - length;

	assert_true(length <= ROOM);
	memcpy(copy, bytes, length);
	return dns_query_parse(copy, length, query);
}

static void a_query_is_read(void **state)
{
	struct dns_query query;

	(void)state;
	assert_int_equal(parse(BYTES(QUERY_EDNS), &query), 0);
	assert_int_equal(query.id, 'i' << 8 | 'd');
	assert_true(query.recursion_desired);
	assert_int_equal(query.question_length, sizeof(FOO A_IN) - 1);
	assert_memory_equal(query.question, FOO A_IN, query.question_length);
	assert_int_equal(query.type, DNS_TYPE_A);
	assert_int_equal(query.text_length, 7);
	assert_memory_equal(query.text, "foo.com", 7);
	assert_true(query.is_host);
	assert_string_equal(query.host.name, "foo.com");
	assert_true(query.edns);
	assert_int_equal(query.udp_size, 1232);

	assert_int_equal(parse(BYTES("id\0\0" ONE FOO "\0\34\0\1"), &query), 0);
	assert_false(query.recursion_desired);
	assert_int_equal(query.type, DNS_TYPE_AAAA);
	assert_false(query.edns);
	assert_int_equal(query.udp_size, DNS_UDP_MIN);
}

static void no_prefix_is_a_query(void **state)
{
	static const char whole[] = QUERY_EDNS;
	struct dns_query query;

	(void)state;
	for (size_t length = 0; length < sizeof(whole) - 1; length++)
		assert_int_equal(parse(whole, length, &query),
			length < 12 ? -EBADMSG : DNS_FORMAT_ERROR);
}

static void the_header_decides(void **state)
{
	static const struct {
		const char *what;
		const char *header;
		int result;
	} rows[] = {
		{ "a query", "id\1\0" ONE, 0 },
		{ "flags that do not matter", "id\7\377" ONE, 0 },
		{ "an answer", "id\201\0" ONE, -EBADMSG },
		{ "an answer with another opcode", "id\211\0" ONE, -EBADMSG },
		{ "an inverse query", "id\11\0" ONE, DNS_NOT_IMPLEMENTED },
		{ "a status", "id\21\0" ONE, DNS_NOT_IMPLEMENTED },
		{ "a notification", "id\41\0" ONE, DNS_NOT_IMPLEMENTED },
		{ "an update", "id\51\0" ONE, DNS_NOT_IMPLEMENTED },
		{ "the last opcode", "id\171\0" ONE, DNS_NOT_IMPLEMENTED },
		{ "no question", "id\1\0\0\0\0\0\0\0\0\0", DNS_FORMAT_ERROR },
		{ "two questions", "id\1\0\0\2\0\0\0\0\0\0", DNS_FORMAT_ERROR },
		{ "257 questions", "id\1\0\1\1\0\0\0\0\0\0", DNS_FORMAT_ERROR },
		{ "an answer in it", "id\1\0\0\1\0\1\0\0\0\0", DNS_FORMAT_ERROR },
		{ "an authority in it", "id\1\0\0\1\0\0\0\1\0\0", DNS_FORMAT_ERROR },
		{ "a record that is not there", "id\1\0" ONE_EDNS, DNS_FORMAT_ERROR },
	};
	unsigned char bytes[] = QUERY;
	struct dns_query query;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		memcpy(bytes, rows[i].header, 12);
		if (parse(bytes, sizeof(bytes) - 1, &query) != rows[i].result)
			fail_msg("%s", rows[i].what);
	}
}

static void names_are_hosts_or_just_text(void **state)
{
	static const struct {
		const char *name;
		size_t length;
		const char *text;
		size_t text_length;
		const char *host;
	} rows[] = {
		{ BYTES("\3foo\3com\0"), BYTES("foo.com"), "foo.com" },
		{ BYTES("\3fOO\3CoM\0"), BYTES("fOO.CoM"), "foo.com" },
		{ BYTES("\1a\0"), BYTES("a"), "a" },
		{ BYTES("\4_tcp\1a\0"), BYTES("_tcp.a"), "_tcp.a" },
		{ BYTES("\1"
			"1\1"
			"2\1"
			"3\1"
			"4\0"),
			BYTES("1.2.3.4"), "1.2.3.4" },
		{ BYTES("\0"), BYTES(""), NULL },
		{ BYTES("\7foo.com\0"), BYTES("foo.com"), NULL },
		{ BYTES("\3foo\4com.\0"), BYTES("foo.com."), NULL },
		{ BYTES("\4foo\0\3com\0"), BYTES("foo\0.com"), NULL },
		{ BYTES("\10foo com\n\0"), BYTES("foo com\n"), NULL },
		{ BYTES("\1*\3com\0"), BYTES("*.com"), NULL },
		{ BYTES("\4-foo\3com\0"), BYTES("-foo.com"), "-foo.com" },
		{ BYTES("\3f\303\266\3com\0"), BYTES("f\303\266.com"), NULL },
		{ BYTES("\2::\0"), BYTES("::"), "::" },
	};
	unsigned char bytes[64] = "id" FLAGS ONE;
	struct dns_query query;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		memcpy(bytes + 12, rows[i].name, rows[i].length);
		put(bytes + 12 + rows[i].length, BYTES(A_IN));
		assert_int_equal(parse(bytes, 16 + rows[i].length, &query), 0);
		assert_int_equal(query.text_length, rows[i].text_length);
		assert_memory_equal(query.text, rows[i].text, rows[i].text_length);
		if (query.is_host != (rows[i].host != NULL))
			fail_msg("%s", rows[i].text);
		if (rows[i].host)
			assert_string_equal(query.host.name, rows[i].host);
	}
}

/*
 * Writes a query for a name of labels of 63 bytes and one of `last` bytes. Returns its
 * length.
 */
static size_t put_long_query(unsigned char bytes[ROOM], size_t last)
{
	size_t length = put(bytes, BYTES("id" FLAGS ONE));

	for (int i = 0; i < 3; i++) {
		bytes[length++] = 63;
		memset(bytes + length, 'x', 63);
		length += 63;
	}
	bytes[length++] = (unsigned char)last;
	memset(bytes + length, 'y', last);
	length += last;
	return length + put(bytes + length, BYTES("\0" A_IN));
}

static void names_have_a_limit(void **state)
{
	unsigned char bytes[ROOM];
	struct dns_query query;

	(void)state;
	assert_int_equal(parse(bytes, put_long_query(bytes, 61), &query), 0);
	assert_int_equal(query.text_length, NAME_LENGTH_MAX);
	assert_true(query.is_host);
	assert_int_equal(query.host.length, NAME_LENGTH_MAX);
	assert_int_equal(parse(bytes, put_long_query(bytes, 62), &query), DNS_FORMAT_ERROR);
	assert_int_equal(parse(bytes, put_long_query(bytes, 63), &query), DNS_FORMAT_ERROR);
}

static void labels_have_a_limit(void **state)
{
	unsigned char bytes[ROOM] = "id" FLAGS ONE;
	struct dns_query query;

	(void)state;
	for (size_t label = 62; label <= 65; label++) {
		bytes[12] = (unsigned char)label;
		memset(bytes + 13, 'x', label);
		put(bytes + 13 + label, BYTES("\0" A_IN));
		assert_int_equal(parse(bytes, 18 + label, &query),
			label <= 63 ? 0 : DNS_FORMAT_ERROR);
	}
}

static void labels_are_labels(void **state)
{
	static const struct {
		const char *what;
		const char *bytes;
		size_t length;
	} rows[] = {
		{ "a pointer", BYTES("id" FLAGS ONE "\300\14" A_IN) },
		{ "a pointer after a label", BYTES("id" FLAGS ONE "\3foo\300\14" A_IN) },
		{ "an extended label", BYTES("id" FLAGS ONE "\101\3foo\0" A_IN) },
		{ "a label without end", BYTES("id" FLAGS ONE "\77foo\0" A_IN) },
		{ "a name without end", BYTES("id" FLAGS ONE "\3foo") },
		{ "no type", BYTES("id" FLAGS ONE FOO) },
		{ "no class", BYTES("id" FLAGS ONE FOO "\0\1") },
	};
	struct dns_query query;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (parse(rows[i].bytes, rows[i].length, &query) != DNS_FORMAT_ERROR)
			fail_msg("%s", rows[i].what);
		assert_null(query.question);
	}
}

static void other_classes_are_refused(void **state)
{
	struct dns_query query;

	(void)state;
	assert_int_equal(parse(BYTES("id" FLAGS ONE FOO "\0\20\0\3"), &query), DNS_REFUSED);
	assert_int_equal(
		parse(BYTES("id" FLAGS ONE FOO "\0\1\0\377"), &query), DNS_REFUSED);
	assert_int_equal(parse(BYTES("id" FLAGS ONE FOO "\0\1\1\1"), &query), DNS_REFUSED);
}

static void extensions_are_read(void **state)
{
	static const struct {
		const char *what;
		const char *record;
		size_t length;
		int result;
		bool edns;
		uint16_t udp_size;
	} rows[] = {
		{ "one", BYTES(OPT), 0, true, 1232 },
		{ "the largest size", BYTES("\0\0\51\377\377\0\0\0\0\0\0"), 0, true,
			65535 },
		{ "a small size", BYTES("\0\0\51\1\377\0\0\0\0\0\0"), 0, true, 512 },
		{ "no size", BYTES("\0\0\51\0\0\0\0\0\0\0\0"), 0, true, 512 },
		{ "flags", BYTES("\0\0\51\4\320\0\0\200\0\0\0"), 0, true, 1232 },
		{ "a cookie", BYTES("\0\0\51\4\320\0\0\0\0\0\14\0\12\0\10cookies!"), 0,
			true, 1232 },
		{ "another version", BYTES("\0\0\51\4\320\0\1\0\0\0\0"), DNS_BAD_VERSION,
			true, 1232 },
		{ "options without end", BYTES("\0\0\51\4\320\0\0\0\0\0\1"),
			DNS_FORMAT_ERROR, false, 512 },
		{ "another record", BYTES("\0\0\372\0\377\0\0\0\0\0\0"), 0, false, 512 },
		{ "another name", BYTES("\1a\0\0\51\4\320\0\0\0\0\0\0"), 0, false, 512 },
	};
	unsigned char bytes[64] = "id" FLAGS ONE_EDNS FOO A_IN;
	size_t length = sizeof(QUERY) - 1;
	struct dns_query query;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		memcpy(bytes + length, rows[i].record, rows[i].length);
		if (parse(bytes, length + rows[i].length, &query) != rows[i].result ||
			query.edns != rows[i].edns || query.udp_size != rows[i].udp_size)
			fail_msg("%s", rows[i].what);
	}
}

static void assert_answer(const void *asked, size_t asked_length,
	const struct dns_answer *answer, const void *wanted, size_t wanted_length)
{
	unsigned char bytes[DNS_MESSAGE_MAX];
	struct dns_query query;

	assert_int_not_equal(parse(asked, asked_length, &query), -EBADMSG);
	assert_int_equal(
		dns_answer_write(&query, answer, bytes, sizeof(bytes)), wanted_length);
	assert_memory_equal(bytes, wanted, wanted_length);
}

static void answers_have_an_address(void **state)
{
	static const struct address address4 = {
		.bytes = { [10] = 0xff, 0xff, 192, 0, 0, 8 }
	};
	static const struct address address6 = {
		.bytes = "\1\0\0\0\0\0\0\1\0\0\0\0\0\0\0\10"
	};

	(void)state;
	assert_answer(BYTES(QUERY), &(struct dns_answer){ .address = &address4 },
		BYTES("id\205\200\0\1\0\1\0\0\0\0" FOO A_IN
		      "\300\14\0\1\0\1\0\0\0\74\0\4\300\0\0\10"));
	assert_answer(BYTES("id\0\0" ONE_EDNS FOO "\0\34\0\1" OPT),
		&(struct dns_answer){ .address = &address6 },
		BYTES("id\204\200\0\1\0\1\0\0\0\1" FOO "\0\34\0\1"
		      "\300\14\0\34\0\1\0\0\0\74\0\20"
		      "\1\0\0\0\0\0\0\1\0\0\0\0\0\0\0\10" OPT_ANSWER "\0\0"));
}

static void answers_without_an_address_can_be_kept(void **state)
{
	(void)state;
	assert_answer(BYTES(QUERY), &(struct dns_answer){ .code = DNS_NO_ERROR },
		BYTES("id\205\200\0\1\0\0\0\1\0\0" FOO A_IN SOA));
	assert_answer(BYTES(QUERY), &(struct dns_answer){ .code = DNS_NAME_ERROR },
		BYTES("id\205\203\0\1\0\0\0\1\0\0" FOO A_IN SOA));
}

static void a_filtered_name_is_explained(void **state)
{
	static const struct dns_answer answer = { .code = DNS_NAME_ERROR,
		.explanation = "because" };

	(void)state;
	assert_answer(BYTES(QUERY_EDNS), &answer,
		BYTES("id\205\203\0\1\0\0\0\1\0\1" FOO A_IN SOA OPT_ANSWER
		      "\0\15\0\17\0\11\0\21because"));
	assert_answer(
		BYTES(QUERY), &answer, BYTES("id\205\203\0\1\0\0\0\1\0\0" FOO A_IN SOA));
}

static void errors_are_answered(void **state)
{
	static const char bad_version[] =
		"id" FLAGS ONE_EDNS FOO A_IN "\0\0\51\4\320\0\1\0\0\0\0";

	(void)state;
	assert_answer(BYTES("id\1\0\0\0\0\0\0\0\0\0"),
		&(struct dns_answer){ .code = DNS_FORMAT_ERROR },
		BYTES("id\205\201\0\0\0\0\0\0\0\0"));
	assert_answer(BYTES("id\51\0" ONE FOO A_IN),
		&(struct dns_answer){ .code = DNS_NOT_IMPLEMENTED },
		BYTES("id\255\204\0\0\0\0\0\0\0\0"));
	assert_answer(BYTES("id\1\0" ONE FOO "\0\20\0\3"),
		&(struct dns_answer){ .code = DNS_REFUSED },
		BYTES("id\205\205\0\1\0\0\0\0\0\0" FOO "\0\20\0\3"));
	assert_answer(BYTES(bad_version), &(struct dns_answer){ .code = DNS_BAD_VERSION },
		BYTES("id\205\200\0\1\0\0\0\0\0\1" FOO A_IN "\0\0\51\4\320\1\0\0\0\0\0"));
}

static void what_is_too_long_loses_its_explanation(void **state)
{
	static const char brief[] =
		"id\207\203\0\1\0\0\0\1\0\1" FOO A_IN SOA OPT_ANSWER "\0\0";
	char explanation[501] = "";
	const struct dns_answer answer = { .code = DNS_NAME_ERROR,
		.explanation = explanation };
	unsigned char bytes[DNS_MESSAGE_MAX];
	size_t whole = sizeof(brief) - 1 + 6 + 500;
	struct dns_query query;

	(void)state;
	memset(explanation, 'x', 500);
	assert_int_equal(parse(BYTES(QUERY_EDNS), &query), 0);
	assert_int_equal(dns_answer_write(&query, &answer, bytes, whole), whole);
	assert_int_equal(bytes[2] & 2, 0);
	assert_int_equal(
		dns_answer_write(&query, &answer, bytes, whole - 1), sizeof(brief) - 1);
	assert_memory_equal(bytes, brief, sizeof(brief) - 1);
}

static void the_longest_answer_fits(void **state)
{
	char explanation[DNS_EXPLAIN_MAX + 8] = "";
	const struct dns_answer answer = { .code = DNS_NAME_ERROR,
		.explanation = explanation };
	unsigned char asked[ROOM], bytes[DNS_MESSAGE_MAX];
	size_t length = put_long_query(asked, 61);
	struct dns_query query;

	(void)state;
	memset(explanation, 'x', sizeof(explanation) - 1);
	asked[11] = 1;
	put(asked + length, BYTES(OPT));
	assert_int_equal(parse(asked, length + sizeof(OPT) - 1, &query), 0);
	assert_int_equal(dns_answer_write(&query, &answer, bytes, sizeof(bytes)),
		length + sizeof(SOA) - 1 + sizeof(OPT) - 1 + 6 + DNS_EXPLAIN_MAX);
	assert_int_equal(dns_answer_write(&query, &answer, bytes, DNS_UDP_MIN),
		length + sizeof(SOA) - 1 + sizeof(OPT) - 1);
}

#define NEGATIVE(ttl, minimum) \
	"\300\14\0\6\0\1" ttl "\0\31" \
	"\1a\300\14\0\0\0\0\1\0\0\0\74\0\0\0\74\0\0\0\74" minimum
#define NO_NAME	 "id\205\203\0\1\0\0\0\1\0\0" FOO A_IN
#define NO_SOA	 "id\205\203\0\1\0\0\0\0\0\0" FOO A_IN
#define AN_ALIAS "\300\14\0\5\0\1\0\0\0\1\0\4\1b\300\14"
#define ALIASED	 "id\205\203\0\1\0\1\0\2\0\0" FOO A_IN AN_ALIAS

static uint32_t negative_seconds(const void *bytes, size_t length)
{
	unsigned char *copy = room + ROOM - length;

	memcpy(copy, bytes, length);
	return dns_negative_seconds(copy, length);
}

static void a_no_is_true_for_a_time(void **state)
{
	static const char whole[] = NO_NAME NEGATIVE("\0\0\0\5", "\0\0\0\7");

	(void)state;
	assert_int_equal(negative_seconds(BYTES(whole)), 5);
	assert_int_equal(
		negative_seconds(BYTES(NO_NAME NEGATIVE("\0\1\0\0", "\0\0\1\1"))), 257);
	/* Behind an alias, and a record of another type. */
	assert_int_equal(negative_seconds(BYTES(
				 ALIASED AN_ALIAS NEGATIVE("\0\0\0\11", "\0\0\0\12"))),
		9);
	assert_int_equal(negative_seconds(BYTES(NO_SOA)), 0);
	assert_int_equal(negative_seconds(BYTES(NO_NAME)), 0);
	assert_int_equal(
		negative_seconds(BYTES(NO_NAME NEGATIVE("\200\0\0\0", "\0\0\0\7"))), 0);
	/* The record is counted as an answer, or its length is a lie. */
	assert_int_equal(
		negative_seconds(BYTES("id\205\203\0\1\0\1\0\0\0\0" FOO A_IN NEGATIVE(
			"\0\0\0\5", "\0\0\0\7"))),
		0);
	assert_int_equal(negative_seconds(BYTES(NO_NAME "\300\14\0\6\0\1\0\0\0\5\0\2\0\0"
							"\0\0\0\1\0\0\0\1\0\0\0\1")),
		0);
	assert_int_equal(
		negative_seconds(BYTES("id\205\203\377\377\377\377\377\377\0\0")), 0);
	for (size_t length = 0; length < sizeof(whole) - 1; length++)
		assert_int_equal(negative_seconds(whole, length), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_query_is_read),
		cmocka_unit_test(no_prefix_is_a_query),
		cmocka_unit_test(the_header_decides),
		cmocka_unit_test(names_are_hosts_or_just_text),
		cmocka_unit_test(names_have_a_limit),
		cmocka_unit_test(labels_have_a_limit),
		cmocka_unit_test(labels_are_labels),
		cmocka_unit_test(other_classes_are_refused),
		cmocka_unit_test(extensions_are_read),
		cmocka_unit_test(answers_have_an_address),
		cmocka_unit_test(answers_without_an_address_can_be_kept),
		cmocka_unit_test(a_filtered_name_is_explained),
		cmocka_unit_test(errors_are_answered),
		cmocka_unit_test(what_is_too_long_loses_its_explanation),
		cmocka_unit_test(the_longest_answer_fits),
		cmocka_unit_test(a_no_is_true_for_a_time),
	};

	return cmocka_run_group_tests(tests, map_room, unmap_room);
}
