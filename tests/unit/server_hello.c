// SPDX-License-Identifier: BSD-2-Clause
/*
 * The messages that a server sends in the clear. Every input ends at a page without
 * access, so a read of one byte too many kills the test.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "proxy/server_hello.h"

#define BYTES(literal) (const unsigned char *)(literal), sizeof(literal) - 1
#define ROOM	       (1 << 17)

#include "room.h"

#define RANDOM "0123456789abcdef0123456789abcdef"
#define RETRY \
	"\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91" \
	"\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c"
/* Messages of a handshake, each with its header. */
#define HELLO	     "\2\0\0\x2a\3\3" RANDOM "\4ABCD\0\x2f\0"
#define HELLO_OTHER  "\2\0\0\x30\3\3" RANDOM "\4ABCD\0\x2f\0\0\4\0\x23\0\0"
#define HELLO_RETRY  "\2\0\0\x26\3\3" RETRY "\0\0\x2f\0"
#define HELLO_13     "\2\0\0\x2e\3\3" RANDOM "\0\x13\1\0\0\6\0\x2b\0\2\3\4"
#define CERTIFICATE  "\x0b\0\0\3\0\0\0"
#define KEY_EXCHANGE "\x0c\0\0\1x"
#define DONE	     "\x0e\0\0\0"
#define TICKET	     "\4\0\0\x0c\0\0\0\1\0\6ticket"
#define NO_TICKET    "\4\0\0\6\0\0\0\1\0\0"
/* Whole records. */
#define CHANGE	"\x14\3\3\0\1\1"
#define WARNING "\x15\3\3\0\2\1\x70"
#define FATAL	"\x15\3\3\0\2\2\x28"

struct buffer {
	unsigned char bytes[4096];
	size_t length;
};

static void put(struct buffer *buffer, const void *bytes, size_t length)
{
	assert_true(buffer->length + length <= sizeof(buffer->bytes));
	memcpy(buffer->bytes + buffer->length, bytes, length);
	buffer->length += length;
}

/* Puts messages into records of `size` bytes. */
static void put_records(
	struct buffer *buffer, const unsigned char *bytes, size_t length, size_t size)
{
	while (length) {
		size_t part = length < size ? length : size;
		const unsigned char header[] = { 22, 3, 3, 0, (unsigned char)part };

		put(buffer, header, sizeof(header));
		put(buffer, bytes, part);
		bytes += part;
		length -= part;
	}
}

static enum server_hello_result parse(
	const void *bytes, size_t length, struct server_hello *hello)
{
	return server_hello_parse(
		memcpy(room + ROOM - length, bytes, length), length, hello);
}

/*
 * Asserts the result for all bytes. A shorter piece gives the same result or
 * SERVER_HELLO_MORE.
 */
static void assert_result(
	const struct buffer *sent, enum server_hello_result result, size_t row)
{
	enum server_hello_result early = SERVER_HELLO_MORE;
	struct server_hello hello;

	for (size_t i = 0; i <= sent->length; i++) {
		enum server_hello_result now = parse(sent->bytes, i, &hello);

		if (early != SERVER_HELLO_MORE && now != early)
			fail_msg("row %zu: decided otherwise with %zu bytes", row, i);
		early = now;
	}
	if (early != result)
		fail_msg("row %zu: %d", row, early);
	if (result == SERVER_HELLO_FULL || result == SERVER_HELLO_RESUMED) {
		assert_int_equal(hello.id_length, 4);
		assert_memory_equal(hello.id, "ABCD", 4);
	}
}

static void the_message_that_follows_decides(void **state)
{
#define ROW(messages, records, result) \
	{ \
		messages, sizeof(messages) - 1, records, sizeof(records) - 1, result \
	}
	static const struct {
		const char *messages;
		size_t messages_length;
		const char *records;
		size_t records_length;
		enum server_hello_result result;
	} rows[] = {
		ROW(HELLO, "", SERVER_HELLO_MORE),
		ROW(HELLO CERTIFICATE KEY_EXCHANGE DONE, "", SERVER_HELLO_FULL),
		ROW(HELLO_OTHER CERTIFICATE DONE, "", SERVER_HELLO_FULL),
		ROW(HELLO KEY_EXCHANGE DONE, "", SERVER_HELLO_FULL),
		ROW(HELLO DONE, "", SERVER_HELLO_FULL),
		ROW(HELLO, CHANGE, SERVER_HELLO_RESUMED),
		ROW(HELLO_OTHER, CHANGE, SERVER_HELLO_RESUMED),
		ROW(HELLO, WARNING CHANGE, SERVER_HELLO_RESUMED),
		ROW(HELLO TICKET, CHANGE, SERVER_HELLO_RESUMED),
		ROW(HELLO, FATAL, SERVER_HELLO_NO_TLS),
		ROW(HELLO, "\x17\3\3\0\1a", SERVER_HELLO_BAD),
		ROW(HELLO "\x14\0\0\0", "", SERVER_HELLO_BAD), /* Finished */
		ROW(HELLO HELLO, "", SERVER_HELLO_BAD),
		ROW(HELLO_13, "", SERVER_HELLO_TLS13),
		ROW(HELLO_13, CHANGE, SERVER_HELLO_TLS13),
		ROW(HELLO_RETRY, CHANGE, SERVER_HELLO_RETRY),
		ROW("\0\0\0\0" HELLO, CHANGE, SERVER_HELLO_BAD), /* HelloRequest */
		ROW("\2\0\0\x05\3\3abc", "", SERVER_HELLO_BAD),
		ROW("\2\0\0\x2b\3\3" RANDOM "\4ABCD\0\x2f\0x", "", SERVER_HELLO_BAD),
		ROW("\2\0\0\x47\3\3" RANDOM "\x21" RANDOM "x\0\x2f\0", "",
			SERVER_HELLO_BAD),
		ROW("\2\1\0\0\3\3", "", SERVER_HELLO_MORE),
	};
	static struct buffer sent;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t size = 1; size < 200; size++) {
			sent.length = 0;
			put_records(&sent, (const unsigned char *)rows[i].messages,
				rows[i].messages_length, size);
			put(&sent, rows[i].records, rows[i].records_length);
			assert_result(&sent, rows[i].result, i);
		}
}

static void what_says_nothing_is_skipped(void **state)
{
	static struct buffer sent;

	(void)state;
	put(&sent, BYTES(WARNING CHANGE WARNING));
	assert_result(&sent, SERVER_HELLO_MORE, 0);
	put_records(&sent, BYTES(HELLO), 100);
	put(&sent, BYTES(CHANGE));
	assert_result(&sent, SERVER_HELLO_RESUMED, 0);
}

static void what_is_no_tls_is_told_at_once(void **state)
{
	struct server_hello hello;

	(void)state;
	assert_int_equal(parse(BYTES("H"), &hello), SERVER_HELLO_NO_TLS);
	assert_int_equal(parse(BYTES("\x17"), &hello), SERVER_HELLO_NO_TLS);
	assert_int_equal(parse(BYTES(FATAL), &hello), SERVER_HELLO_NO_TLS);
	assert_int_equal(parse(BYTES(WARNING FATAL), &hello), SERVER_HELLO_NO_TLS);
}

/* A hello beyond the limit is refused, and not waited for. */
static void a_hello_has_an_end(void **state)
{
	static unsigned char bytes[5 + 16384 + 5] = { 22, 3, 3, 0x40, 0, 2, 0, 0x40, 0 };
	struct server_hello hello;

	(void)state;
	assert_int_equal(parse(bytes, 5 + 16383, &hello), SERVER_HELLO_MORE);
	assert_int_equal(parse(bytes, 5 + 16384, &hello), SERVER_HELLO_BAD);
}

static uint64_t mark_of(const char *ticket)
{
	static const uint64_t key[2] = { 1, 2 };
	struct siphash hash;

	siphash_begin(&hash, key);
	siphash_add(&hash, ticket, strlen(ticket));
	return siphash_end(&hash);
}

/*
 * Watches `sent` in pieces of `size` bytes. If any piece ends the watch, it is the last.
 */
static uint64_t watch(const struct buffer *sent, size_t size, bool ends)
{
	static const uint64_t key[2] = { 1, 2 };
	struct ticket_watch watch;
	struct siphash hash;
	bool more = true;

	siphash_begin(&hash, key);
	ticket_watch_begin(&watch, &hash);
	for (size_t at = 0; at < sent->length && more; at += size) {
		size_t part = sent->length - at < size ? sent->length - at : size;

		more = ticket_watch_see(
			&watch, memcpy(room + ROOM - part, sent->bytes + at, part), part);
	}
	assert_int_equal(more, !ends);
	return watch.mark;
}

static void a_ticket_is_found_however_it_is_cut(void **state)
{
	static const char messages[] = HELLO CERTIFICATE DONE TICKET;
	static struct buffer sent;

	(void)state;
	for (size_t size = 1; size < 100; size++) {
		sent.length = 0;
		put(&sent, BYTES(WARNING));
		put_records(&sent, BYTES(messages), size);
		assert_true(watch(&sent, size, false) == mark_of("ticket"));
		put(&sent, BYTES(CHANGE "\x16\3\3\0\x0c" TICKET));
		for (size_t part = 1; part < sent.length; part++)
			assert_true(watch(&sent, part, true) == mark_of("ticket"));
	}
}

static void other_messages_are_no_tickets(void **state)
{
	static struct buffer sent;

	(void)state;
	sent.length = 0;
	put_records(&sent, BYTES(HELLO CERTIFICATE DONE NO_TICKET), 64);
	put(&sent, BYTES(CHANGE));
	assert_true(watch(&sent, 10, true) == 0);
	/* The last of several tickets counts. */
	sent.length = 0;
	put_records(&sent, BYTES(HELLO "\4\0\0\7\0\0\0\1\0\1x" TICKET), 64);
	put(&sent, BYTES("\x17"));
	assert_true(watch(&sent, 10, true) == mark_of("ticket"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_message_that_follows_decides),
		cmocka_unit_test(what_says_nothing_is_skipped),
		cmocka_unit_test(what_is_no_tls_is_told_at_once),
		cmocka_unit_test(a_hello_has_an_end),
		cmocka_unit_test(a_ticket_is_found_however_it_is_cut),
		cmocka_unit_test(other_messages_are_no_tickets),
	};

	return cmocka_run_group_tests(tests, map_room, unmap_room);
}
