// SPDX-License-Identifier: BSD-2-Clause
/*
 * The server name of a ClientHello. Every input ends at a page without access, so a read of
 * one byte too many kills the test.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hello_samples.h"
#include "lib/cleanup.h"
#include "proxy/client_hello.h"

#define BYTES(literal) (literal), sizeof(literal) - 1
#define ROOM	       (1 << 18)

#include "room.h"

/* Bytes that grow at their end. */
struct buffer {
	unsigned char bytes[ROOM];
	size_t length;
};

static void put(struct buffer *buffer, const void *bytes, size_t length)
{
	assert_true(buffer->length + length <= ROOM);
	memcpy(buffer->bytes + buffer->length, bytes, length);
	buffer->length += length;
}

static void put_number(struct buffer *buffer, size_t number, size_t width)
{
	while (width--) {
		unsigned char byte = (unsigned char)(number >> 8 * width);

		put(buffer, &byte, 1);
	}
}

/* A ClientHello without a record around it; `extensions` may be NULL. */
static void put_hello(struct buffer *buffer, const void *extensions, size_t length)
{
	static const unsigned char start[2 + 32 + 1] = { 3, 3 };
	static const unsigned char suites[] = { 0, 2, 0x13, 1, 1, 0 };

	put_number(buffer, 1, 1);
	put_number(
		buffer, sizeof(start) + sizeof(suites) + (extensions ? 2 + length : 0), 3);
	put(buffer, start, sizeof(start));
	put(buffer, suites, sizeof(suites));
	if (extensions) {
		put_number(buffer, length, 2);
		put(buffer, extensions, length);
	}
}

static void put_record(struct buffer *buffer, const void *bytes, size_t length)
{
	put_number(buffer, 0x160301, 3);
	put_number(buffer, length, 2);
	put(buffer, bytes, length);
}

/* Cuts a handshake message into records of `size` bytes. */
static void put_records(
	struct buffer *buffer, const unsigned char *bytes, size_t length, size_t size)
{
	while (length) {
		size_t part = length < size ? length : size;

		put_record(buffer, bytes, part);
		bytes += part;
		length -= part;
	}
}

static enum hello_result parse_marked(
	const void *bytes, size_t length, struct host *host, bool *encrypted)
{
	enum hello_result result;
	size_t end = 0;

	assert_true(length <= ROOM);
	result = hello_parse(
		memcpy(room + ROOM - length, bytes, length), length, host, encrypted, &end);
	if (result == HELLO_NAME || result == HELLO_NO_NAME)
		assert_in_range(end, 1, length);
	return result;
}

static enum hello_result parse_at_end(const void *bytes, size_t length, struct host *host)
{
	bool encrypted = false;
	enum hello_result result = parse_marked(bytes, length, host, &encrypted);

	assert_false(encrypted);
	return result;
}

static void assert_name(const void *bytes, size_t length, const char *name)
{
	struct host host;

	assert_int_equal(parse_at_end(bytes, length, &host), HELLO_NAME);
	assert_string_equal(host.name, name);
}

/* Asserts a result other than HELLO_NAME. */
static void assert_result(const void *bytes, size_t length, enum hello_result result)
{
	struct host host, untouched;

	memset(&untouched, 0x5a, sizeof(untouched));
	memcpy(&host, &untouched, sizeof(host));
	assert_int_equal(parse_at_end(bytes, length, &host), result);
	assert_memory_equal(&host, &untouched, sizeof(host));
}

static void assert_prefixes_want_more(const unsigned char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		assert_result(bytes, i, HELLO_MORE);
}

static void real_ones_name_their_server(void **state)
{
	(void)state;
	assert_name(hello_tls12, sizeof(hello_tls12), "static.crates.io");
	assert_name(hello_tls13, sizeof(hello_tls13), "static.crates.io");
}

static void every_prefix_wants_more(void **state)
{
	(void)state;
	assert_prefixes_want_more(hello_tls12, sizeof(hello_tls12));
	assert_prefixes_want_more(hello_tls13, sizeof(hello_tls13));
}

static void every_cut_into_records_reads_the_same(void **state)
{
	static struct buffer cut;
	const unsigned char *message = hello_tls13 + 5;
	size_t length = sizeof(hello_tls13) - 5;

	(void)state;
	for (size_t size = 1; size <= length; size++) {
		cut.length = 0;
		put_records(&cut, message, length, size);
		assert_name(cut.bytes, cut.length, "static.crates.io");
		assert_result(cut.bytes, cut.length - 1, HELLO_MORE);
	}
	for (size_t first = 1; first < length; first++) {
		cut.length = 0;
		put_record(&cut, message, first);
		put_record(&cut, message + first, length - first);
		assert_name(cut.bytes, cut.length, "static.crates.io");
	}
	cut.length = 0;
	put_records(&cut, message, length, 1);
	assert_prefixes_want_more(cut.bytes, cut.length);
}

#define SERVER_NAME \
	"\0\0\0\x0c\0\x0a\0\0\x07" \
	"foo.com"

/* An extension of unknown type and `length` zeros, after a server name. */
static void put_long_hello(struct buffer *message, size_t length)
{
	static struct buffer extensions;
	static const unsigned char zeros[HELLO_LENGTH_MAX];

	extensions.length = 0;
	put(&extensions, BYTES(SERVER_NAME));
	put_number(&extensions, 51, 2);
	put_number(&extensions, length, 2);
	put(&extensions, zeros, length);
	message->length = 0;
	put_hello(message, extensions.bytes, extensions.length);
}

/*
 * Key shares of ML-KEM take more than a kilobyte each. Some clients send several, in many
 * records.
 */
static void long_key_shares_are_read(void **state)
{
	static const size_t lengths[] = { 1216, 1568 + 1216, 8000 };
	static const size_t sizes[] = { 16, 512, 1400, HELLO_LENGTH_MAX };
	static struct buffer message, cut;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		put_long_hello(&message, lengths[i]);
		for (size_t j = 0; j < ARRAY_SIZE(sizes); j++) {
			cut.length = 0;
			put_records(&cut, message.bytes, message.length, sizes[j]);
			assert_name(cut.bytes, cut.length, "foo.com");
			assert_result(cut.bytes, cut.length / 2, HELLO_MORE);
		}
	}
}

static void the_limit_counts_records_whole(void **state)
{
	static struct buffer message, cut;
	size_t rest;

	(void)state;
	put_long_hello(&message, 0);
	rest = HELLO_LENGTH_MAX - 5 - message.length;
	put_long_hello(&message, rest);
	cut.length = 0;
	put_records(&cut, message.bytes, message.length, SIZE_MAX);
	assert_int_equal(cut.length, HELLO_LENGTH_MAX);
	assert_name(cut.bytes, cut.length, "foo.com");

	/* The same message in two records is five bytes too long. */
	cut.length = 0;
	put_records(&cut, message.bytes, message.length, 8000);
	assert_result(cut.bytes, cut.length, HELLO_BAD);

	/* One byte more is refused as soon as a header announces it. */
	put_long_hello(&message, rest + 1);
	cut.length = 0;
	put_records(&cut, message.bytes, message.length, SIZE_MAX);
	assert_result(cut.bytes, 5, HELLO_BAD);
	cut.length = 0;
	put_records(&cut, message.bytes, message.length, 4);
	assert_result(cut.bytes, 8, HELLO_MORE);
	assert_result(cut.bytes, 9, HELLO_BAD);
}

static void what_follows_in_other_records_does_not_matter(void **state)
{
	static struct buffer sent;

	(void)state;
	sent.length = 0;
	put(&sent, hello_tls13, sizeof(hello_tls13));
	put(&sent, BYTES("\x14\x03\x03\0\x01\x01"));
	assert_name(sent.bytes, sent.length, "static.crates.io");
	put(&sent, BYTES("\x17\x03\x03\x40\0junk"));
	assert_name(sent.bytes, sent.length, "static.crates.io");
}

static void nothing_may_follow_in_the_same_record(void **state)
{
	static struct buffer message, cut;

	(void)state;
	message.length = cut.length = 0;
	put_hello(&message, BYTES(SERVER_NAME));
	put(&message, "\1", 1);
	put_record(&cut, message.bytes, message.length);
	assert_result(cut.bytes, cut.length, HELLO_BAD);
	assert_result(cut.bytes, cut.length - 1, HELLO_BAD);
}

static void extensions_decide(void **state)
{
	static const struct {
		const char *what;
		const char *extensions;
		size_t length;
		enum hello_result result;
	} rows[] = {
		{ "no extensions", NULL, 0, HELLO_NO_NAME },
		{ "an empty list", BYTES(""), HELLO_NO_NAME },
		{ "others only", BYTES("\0\x17\0\0\0\x2b\0\3\2\3\4"), HELLO_NO_NAME },
		{ "a name", BYTES(SERVER_NAME), HELLO_NAME },
		{ "a name between others",
			BYTES("\0\x17\0\0" SERVER_NAME "\0\x2b\0\3\2\3\4"), HELLO_NAME },
		{ "a name of one byte",
			BYTES("\0\0\0\6\0\4\0\0\1"
			      "a"),
			HELLO_NAME },
		{ "the extension twice", BYTES(SERVER_NAME SERVER_NAME), HELLO_BAD },
		{ "two names",
			BYTES("\0\0\0\x0a\0\x08\0\0\1"
			      "a"
			      "\0\0\1"
			      "b"),
			HELLO_BAD },
		{ "another type of name",
			BYTES("\0\0\0\6\0\4\1\0\1"
			      "a"),
			HELLO_BAD },
		{ "another type beside",
			BYTES("\0\0\0\x0a\0\x08\0\0\1"
			      "a"
			      "\1\0\1"
			      "b"),
			HELLO_BAD },
		{ "no list", BYTES("\0\0\0\0"), HELLO_BAD },
		{ "an empty list of names", BYTES("\0\0\0\2\0\0"), HELLO_BAD },
		{ "an empty name", BYTES("\0\0\0\5\0\3\0\0\0"), HELLO_BAD },
		{ "bytes after the list",
			BYTES("\0\0\0\7\0\4\0\0\1"
			      "a\0"),
			HELLO_BAD },
		{ "bytes after the name",
			BYTES("\0\0\0\7\0\5\0\0\1"
			      "a\0"),
			HELLO_BAD },
		{ "a list that is too long",
			BYTES("\0\0\0\6\0\5\0\0\1"
			      "a"),
			HELLO_BAD },
		{ "a name that is too long",
			BYTES("\0\0\0\6\0\4\0\0\2"
			      "a"),
			HELLO_BAD },
		{ "an extension that is too long",
			BYTES("\0\0\0\7\0\4\0\0\1"
			      "a"),
			HELLO_BAD },
		{ "a part of a header", BYTES(SERVER_NAME "\0\x17\0"), HELLO_BAD },
		{ "an IPv4 address",
			BYTES("\0\0\0\x0e\0\x0c\0\0\x09"
			      "192.0.2.1"),
			HELLO_BAD },
		{ "an IPv6 address",
			BYTES("\0\0\0\x08\0\x06\0\0\3"
			      "::1"),
			HELLO_BAD },
		{ "an address in brackets",
			BYTES("\0\0\0\x0a\0\x08\0\0\5"
			      "[::1]"),
			HELLO_BAD },
		{ "a NUL",
			BYTES("\0\0\0\x0c\0\x0a\0\0\x07"
			      "foo\0com"),
			HELLO_BAD },
		{ "a blank",
			BYTES("\0\0\0\x0c\0\x0a\0\0\x07"
			      "foo com"),
			HELLO_BAD },
		{ "a port",
			BYTES("\0\0\0\x0b\0\x09\0\0\6"
			      "foo:80"),
			HELLO_BAD },
		{ "UTF-8",
			BYTES("\0\0\0\x0a\0\x08\0\0\5"
			      "f\303\266.x"),
			HELLO_BAD },
		{ "an encrypted server name", BYTES(SERVER_NAME "\xff\xce\0\0"),
			HELLO_BAD },
		{ "an encrypted server name alone", BYTES("\xff\xce\0\0"), HELLO_BAD },
	};
	static struct buffer message, record;
	struct host host;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		message.length = record.length = 0;
		put_hello(&message, rows[i].extensions, rows[i].length);
		put_record(&record, message.bytes, message.length);
		assert_prefixes_want_more(record.bytes, record.length);
		if (parse_at_end(record.bytes, record.length, &host) != rows[i].result)
			fail_msg("%s", rows[i].what);
	}
}

static void an_encrypted_one_is_marked(void **state)
{
	static const struct {
		const char *extensions;
		size_t length;
		enum hello_result result;
		bool encrypted;
	} rows[] = {
		{ NULL, 0, HELLO_NO_NAME, false },
		{ BYTES(SERVER_NAME), HELLO_NAME, false },
		{ BYTES(SERVER_NAME "\xfe\x0c\0\1\0"), HELLO_NAME, false },
		{ BYTES(SERVER_NAME "\xfe\x0d\0\1\0"), HELLO_NAME, true },
		{ BYTES("\xfe\x0d\0\1\0" SERVER_NAME), HELLO_NAME, true },
		{ BYTES("\xfe\x0d\0\0"), HELLO_NO_NAME, true },
	};
	static struct buffer message, record;
	struct host host;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool encrypted = !rows[i].encrypted;

		message.length = record.length = 0;
		put_hello(&message, rows[i].extensions, rows[i].length);
		put_record(&record, message.bytes, message.length);
		assert_int_equal(
			parse_marked(record.bytes, record.length, &host, &encrypted),
			rows[i].result);
		assert_int_equal(encrypted, rows[i].encrypted);
	}
}

/* Faults before the extensions, at byte `at` of a good hello. */
static void each_field_is_checked(void **state)
{
	static const struct {
		const char *what;
		size_t at;
		unsigned char byte;
	} rows[] = {
		{ "an alert", 0, 21 },
		{ "application data", 0, 23 },
		{ "HTTP", 0, 'G' },
		{ "SSL 2", 0, 0x80 },
		{ "a version of records that is none", 1, 2 },
		{ "an empty record", 4, 0 },
		{ "a ServerHello", 5, 2 },
		{ "a HelloRequest", 5, 0 },
		{ "a huge message", 6, 1 },
		{ "a message longer than the limit", 7, 0x40 },
		{ "a message shorter than its record", 8, 10 },
		{ "a version that is none", 9, 4 },
		{ "a long session", 43, 33 },
		{ "half a cipher suite", 45, 1 },
		{ "no cipher suite", 45, 0 },
		{ "too many cipher suites", 44, 1 },
		{ "no compression", 48, 0 },
		{ "too many compressions", 48, 255 },
		{ "too many extensions", 50, 1 },
		{ "fewer extensions than bytes", 51, 10 },
	};
	static struct buffer message, record;

	(void)state;
	message.length = record.length = 0;
	put_hello(&message, BYTES(SERVER_NAME));
	put_record(&record, message.bytes, message.length);
	assert_name(record.bytes, record.length, "foo.com");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned char kept = record.bytes[rows[i].at];
		struct host host;

		assert_int_not_equal(kept, rows[i].byte);
		record.bytes[rows[i].at] = rows[i].byte;
		if (parse_at_end(record.bytes, record.length, &host) != HELLO_BAD)
			fail_msg("%s", rows[i].what);
		record.bytes[rows[i].at] = kept;
	}
}

static void what_is_no_tls_is_refused_at_once(void **state)
{
	(void)state;
	assert_result(BYTES("G"), HELLO_BAD);
	assert_result(BYTES("SSH-2.0-x\r\n"), HELLO_BAD);
	assert_result(BYTES("\x16\x02"), HELLO_BAD);
	assert_result(BYTES("\x16\x03\x01\0\0"), HELLO_BAD);
	assert_result(BYTES("\x16\x03\x01\0\x05\x02"), HELLO_BAD);
	assert_result(BYTES("\x16\x03\x01\0\x01\x01\x17"), HELLO_BAD);
}

/* A message in records of `size` bytes each. They end where the memory ends. */
static const unsigned char *in_records(
	const struct buffer *message, size_t size, size_t *length)
{
	static struct buffer cut;

	cut.length = 0;
	put_records(&cut, message->bytes, message->length, size);
	*length = cut.length;
	return memcpy(room + ROOM - cut.length, cut.bytes, cut.length);
}

/* Asserts the offer of a hello with these extensions, in one record and in many. */
static void assert_offer(const char *extensions, size_t length, const char *ticket)
{
	static struct hello_offer offer;
	static struct buffer message;
	size_t all;

	message.length = 0;
	put_hello(&message, extensions, length);
	for (size_t size = 1; size <= message.length; size++) {
		const unsigned char *records = in_records(&message, size, &all);

		assert_true(hello_parse_offer(records, all, &offer));
		assert_int_equal(offer.id_length, 0);
		assert_int_equal(offer.ticket_length, strlen(ticket));
		assert_memory_equal(offer.ticket, ticket, strlen(ticket));
	}
}

static void a_session_is_offered_by_id_or_ticket(void **state)
{
	static const char twice[] = SERVER_NAME "\0\x23\0\0\0\x23\0\1a";
	static struct buffer message, record;
	static struct hello_offer offer;

	(void)state;
	assert_offer(NULL, 0, "");
	assert_offer(BYTES(SERVER_NAME), "");
	assert_offer(BYTES(SERVER_NAME "\0\x23\0\0"), "");
	assert_offer(BYTES("\0\x23\0\6ticket" SERVER_NAME), "ticket");
	assert_true(hello_parse_offer(hello_tls12, sizeof(hello_tls12), &offer));
	assert_true(hello_parse_offer(hello_tls13, sizeof(hello_tls13), &offer));
	assert_int_equal(offer.id_length, 32);
	assert_memory_equal(offer.id, hello_tls13 + 5 + 4 + 2 + 32 + 1, 32);
	put_hello(&message, BYTES(twice));
	put_record(&record, message.bytes, message.length);
	assert_false(hello_parse_offer(record.bytes, record.length, &offer));
}

static void assert_http1(bool offered, const char *extensions, size_t length)
{
	static struct buffer message;
	size_t all;

	message.length = 0;
	put_hello(&message, extensions, length);
	for (size_t size = 1; size <= message.length; size++) {
		const unsigned char *records = in_records(&message, size, &all);

		assert_int_equal(hello_offers_http1(records, all), offered);
	}
}

static void protocols_may_leave_http1_open(void **state)
{
	(void)state;
	assert_http1(true, NULL, 0);
	assert_http1(true, BYTES(SERVER_NAME));
	assert_http1(true, BYTES("\0\x10\0\x0b\0\x09\x08http/1.1" SERVER_NAME));
	assert_http1(true, BYTES("\0\x10\0\x0e\0\x0c\2h2\x08http/1.0"));
	assert_http1(false, BYTES("\0\x10\0\5\0\3\2h2"));
	assert_http1(false, BYTES("\0\x10\0\x0b\0\x09\x08http/1.2"));
	assert_http1(false, BYTES("\0\x10\0\x0b\0\x09\x09http/1.1"));
	assert_http1(false, BYTES("\0\x10\0\0"));
	/* Twice. */
	assert_http1(false,
		BYTES("\0\x10\0\x0b\0\x09\x08http/1.1\0\x10\0\x0b\0\x09\x08http/1.1"));
}

static void what_may_precede_another_hello_is_skipped(void **state)
{
	static const unsigned char before[] = "\x14\x03\x03\0\1\1"
					      "\x17\x03\x03\0\3abc"
					      "\x15\x03\x03\0\2\1\x5a"
					      "\x16\x03\x03\0\4\1\0\0\0";

	(void)state;
	assert_int_equal(hello_skip(before, sizeof(before) - 1), 21);
	for (size_t length = 0; length <= 21; length++)
		assert_int_equal(
			hello_skip(memcpy(room + ROOM - length, before, length), length),
			length);
	assert_int_equal(hello_skip((const unsigned char *)BYTES("\x18\x03\x03\0\1a")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_ones_name_their_server),
		cmocka_unit_test(every_prefix_wants_more),
		cmocka_unit_test(every_cut_into_records_reads_the_same),
		cmocka_unit_test(long_key_shares_are_read),
		cmocka_unit_test(the_limit_counts_records_whole),
		cmocka_unit_test(what_follows_in_other_records_does_not_matter),
		cmocka_unit_test(nothing_may_follow_in_the_same_record),
		cmocka_unit_test(extensions_decide),
		cmocka_unit_test(an_encrypted_one_is_marked),
		cmocka_unit_test(each_field_is_checked),
		cmocka_unit_test(what_is_no_tls_is_refused_at_once),
		cmocka_unit_test(a_session_is_offered_by_id_or_ticket),
		cmocka_unit_test(protocols_may_leave_http1_open),
		cmocka_unit_test(what_may_precede_another_hello_is_skipped),
	};

	return cmocka_run_group_tests(tests, map_room, unmap_room);
}
