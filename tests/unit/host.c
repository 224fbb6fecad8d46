// SPDX-License-Identifier: BSD-2-Clause
/*
 * The grammar of a host. It covers the accepted hosts, their canonical form, and every
 * error.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "names/host.h"

/* Bytes with a length. The table may put a NUL among them. */
#define BYTES(literal) (literal), sizeof(literal) - 1

#define LABEL_63 "abcdefghijklmnopqrstuvwxyz0123456789-abcdefghijklmnopqrstuvwxyz"
#define NAME_252 \
	LABEL_63 "." LABEL_63 "." LABEL_63 \
		 ".abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-567890"

struct accepted {
	const char *text;
	const char *canonical;
	bool literal;
};

static void assert_accepted(const struct accepted *row, enum host_brackets brackets)
{
	struct host host;

	if (host_parse(row->text, strlen(row->text), brackets, &host))
		fail_msg("refused: %s", row->text);
	assert_string_equal(host.name, row->canonical);
	assert_int_equal(host.length, strlen(row->canonical));
	assert_int_equal(host.literal, row->literal);
}

static void names_and_addresses_become_canonical(void **state)
{
	static const struct accepted rows[] = {
		{ "crates.io", "crates.io", false },
		{ "Crates.IO", "crates.io", false },
		{ "crates.io.", "crates.io", false },
		{ "localhost", "localhost", false },
		{ "-a.b-.-.c", "-a.b-.-.c", false },
		{ "a", "a", false },
		{ "a.", "a", false },
		{ "_acme.x_y.example", "_acme.x_y.example", false },
		{ "r3---sn-x.googlevideo.com", "r3---sn-x.googlevideo.com", false },
		{ "xn--bcher-kva.example", "xn--bcher-kva.example", false },
		{ "1.2.3.4.example", "1.2.3.4.example", false },
		{ "0x7f.example", "0x7f.example", false },
		{ "127.0.0.a1", "127.0.0.a1", false },
		{ "foo.1x", "foo.1x", false },
		{ LABEL_63, LABEL_63, false },
		{ NAME_252 "a", NAME_252 "a", false },
		{ NAME_252 "a.", NAME_252 "a", false },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "0.0.0.0", "0.0.0.0", true },
		{ "255.255.255.255", "255.255.255.255", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_accepted(&rows[i], HOST_BRACKETS);
		assert_accepted(&rows[i], HOST_NO_BRACKETS);
	}
}

static void ipv6_becomes_canonical(void **state)
{
	static const struct accepted bare[] = {
		{ "::1", "::1", true },
		{ "::", "::", true },
		{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1", true },
		{ "::ffff:192.0.2.1", "192.0.2.1", true },
		{ "::ffff:c000:201", "192.0.2.1", true },
		{ "0:0:0:0:0:FFFF:127.0.0.1", "127.0.0.1", true },
		{ "64:ff9b::192.0.2.1", "64:ff9b::c000:201", true },
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bare); i++) {
		struct accepted in_brackets = bare[i];

		snprintf(text, sizeof(text), "[%s]", bare[i].text);
		in_brackets.text = text;
		assert_accepted(&bare[i], HOST_NO_BRACKETS);
		assert_accepted(&in_brackets, HOST_BRACKETS);
	}
}

struct refused {
	const char *text;
	size_t length;
};

static void assert_refused(const struct refused *row, enum host_brackets brackets)
{
	struct host host, untouched;

	memset(&untouched, 0x5a, sizeof(untouched));
	memcpy(&host, &untouched, sizeof(host));
	if (host_parse(row->text, row->length, brackets, &host) != -EINVAL)
		fail_msg("accepted: %.*s as %s", (int)row->length, row->text, host.name);
	assert_memory_equal(&host, &untouched, sizeof(host));
}

static void all_else_is_refused(void **state)
{
	static const struct refused rows[] = {
		{ BYTES("") },
		{ BYTES(".") },
		{ BYTES("..") },
		{ BYTES("a..") },
		{ BYTES("a..b") },
		{ BYTES(".a") },
		{ BYTES(LABEL_63 "x") },
		{ BYTES(NAME_252 "ab") },
		{ BYTES(NAME_252 "ab.") },
		{ BYTES("evil.example\0.crates.io") },
		{ BYTES("crates.io\0") },
		{ BYTES("\0") },
		{ BYTES("crates.io\n") },
		{ BYTES("crates.io\r\nX: y") },
		{ BYTES(" crates.io") },
		{ BYTES("crates.io\t") },
		{ BYTES("crates.io\x7f") },
		{ BYTES("crates%2eio") },
		{ BYTES("user@crates.io") },
		{ BYTES("crates.io/path") },
		{ BYTES("crates.io:443") },
		{ BYTES("crates.io#x") },
		{ BYTES("crates.io?x") },
		{ BYTES("crates.io;x") },
		{ BYTES("crates.io\\x") },
		{ BYTES("*.crates.io") },
		{ BYTES("b\303\274cher.example") },
		{ BYTES("[crates.io]") },
		{ BYTES("[[crates.io]]") },
		{ BYTES("[crates.io") },
		{ BYTES("crates.io]") },
		{ BYTES("[]") },
		{ BYTES("[") },
		{ BYTES("]") },
		{ BYTES("[192.0.2.1]") },
		{ BYTES("[[::1]]") },
		{ BYTES("[::1") },
		{ BYTES("::1]") },
		{ BYTES("[::1]x") },
		{ BYTES("[::1%25eth0]") },
		{ BYTES("[::1%lo]") },
		{ BYTES("::1%lo") },
		{ BYTES("[:]") },
		{ BYTES(":::") },
		{ BYTES("1:2:3:4:5:6:7:8:9") },
		{ BYTES("::ffff:1.2.3.256") },
		{ BYTES("::1\0") },
		{ BYTES("0000:0000:0000:0000:0000:ffff:255.255.255.255:") },
		{ BYTES("127.1") },
		{ BYTES("127.0.1") },
		{ BYTES("2130706433") },
		{ BYTES("0x7f000001") },
		{ BYTES("0x7f.1") },
		{ BYTES("0X7F.0.0.0x1") },
		{ BYTES("0177.0.0.1") },
		{ BYTES("127.0.0.01") },
		{ BYTES("127.0.0.1.") },
		{ BYTES("127.0.0.1..") },
		{ BYTES("127.0.0.256") },
		{ BYTES("1.2.3.4.5") },
		{ BYTES("foo.0x") },
		{ BYTES("foo.0xg") },
		{ BYTES("foo.1") },
		{ BYTES("foo.1.") },
		{ BYTES("0") },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_refused(&rows[i], HOST_BRACKETS);
		assert_refused(&rows[i], HOST_NO_BRACKETS);
	}
}

static void brackets_stand_where_they_belong(void **state)
{
	static const struct refused bare = { BYTES("2001:db8::1") };
	static const struct refused in_brackets = { BYTES("[2001:db8::1]") };

	(void)state;
	assert_refused(&bare, HOST_BRACKETS);
	assert_refused(&in_brackets, HOST_NO_BRACKETS);
}

/* Every byte that a name may not hold, at the beginning, in the middle and at the end. */
static void each_byte_is_judged_alike_everywhere(void **state)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	static const size_t places[] = { 0, 2, 5 };
	struct host host;

	(void)state;
	for (unsigned byte = 0; byte <= UINT8_MAX; byte++) {
		bool good = byte && strchr(allowed, (int)byte);

		for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
			char name[] = "abcdef";

			if (byte == '.' && places[i] != 0)
				continue;
			name[places[i]] = (char)byte;
			if (!host_parse(name, 6, HOST_NO_BRACKETS, &host) != good)
				fail_msg("byte 0x%02x at %zu", byte, places[i]);
		}
	}
}

static void a_port_may_follow(void **state)
{
	static const struct {
		const char *text;
		const char *name;
		uint16_t port;
	} rows[] = {
		{ "crates.io", "crates.io", 0 },
		{ "crates.io:443", "crates.io", 443 },
		{ "crates.io:", "crates.io", 0 },
		{ "[2001:db8::1]:", "2001:db8::1", 0 },
		{ "Crates.io.:80", "crates.io", 80 },
		{ "crates.io:1", "crates.io", 1 },
		{ "crates.io:65535", "crates.io", 65535 },
		{ "crates.io:00080", "crates.io", 80 },
		{ "192.0.2.1:80", "192.0.2.1", 80 },
		{ "[2001:db8::1]", "2001:db8::1", 0 },
		{ "[2001:db8::1]:443", "2001:db8::1", 443 },
		{ "[::ffff:192.0.2.1]:443", "192.0.2.1", 443 },
	};
	struct host host;
	uint16_t port;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (host_parse_with_port(rows[i].text, strlen(rows[i].text), &host, &port))
			fail_msg("refused: %s", rows[i].text);
		assert_string_equal(host.name, rows[i].name);
		assert_int_equal(port, rows[i].port);
	}
}

static void a_bad_port_writes_nothing(void **state)
{
	static const struct refused rows[] = {
		{ BYTES("") },
		{ BYTES(":80") },
		{ BYTES("crates.io:0") },
		{ BYTES("crates.io:00000") },
		{ BYTES("crates.io:65536") },
		{ BYTES("crates.io:000443") },
		{ BYTES("crates.io:+80") },
		{ BYTES("crates.io:-1") },
		{ BYTES("crates.io: 80") },
		{ BYTES("crates.io:80 ") },
		{ BYTES("crates.io:8\0") },
		{ BYTES("crates.io:http") },
		{ BYTES("crates.io:80:80") },
		{ BYTES("user:pass@crates.io:80") },
		{ BYTES("2001:db8::1") },
		{ BYTES("2001:db8::1:443") },
		{ BYTES("[2001:db8::1") },
		{ BYTES("[2001:db8::1]443") },
		{ BYTES("[2001:db8::1]x:443") },
		{ BYTES("[crates.io]:443") },
		{ BYTES("[[2001:db8::1]]:443") },
		{ BYTES("x[2001:db8::1]:443") },
		{ BYTES("127.1:80") },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct host host, untouched;
		uint16_t port = 7;

		memset(&untouched, 0x5a, sizeof(untouched));
		memcpy(&host, &untouched, sizeof(host));
		if (host_parse_with_port(rows[i].text, rows[i].length, &host, &port) !=
			-EINVAL)
			fail_msg("accepted: %.*s", (int)rows[i].length, rows[i].text);
		assert_memory_equal(&host, &untouched, sizeof(host));
		assert_int_equal(port, 7);
	}
}

static void hosts_are_compared_whole(void **state)
{
	struct host a, b, c;

	(void)state;
	assert_int_equal(host_parse(BYTES("Foo.com."), HOST_NO_BRACKETS, &a), 0);
	assert_int_equal(host_parse(BYTES("foo.COM"), HOST_NO_BRACKETS, &b), 0);
	assert_int_equal(host_parse(BYTES("foo.co"), HOST_NO_BRACKETS, &c), 0);
	assert_true(host_equal(&a, &b));
	assert_false(host_equal(&a, &c));
	assert_false(host_equal(&c, &a));
}

static struct host parsed(const char *text)
{
	struct host host;

	if (host_parse(text, strlen(text), HOST_NO_BRACKETS, &host))
		fail_msg("no host: %s", text);
	return host;
}

static void a_name_is_below_whole_labels(void **state)
{
	const struct host name = parsed("a.foo.com"), address = parsed("11.0.0.2");

	(void)state;
	assert_true(host_is_below(&name, "a.foo.com"));
	assert_true(host_is_below(&name, "foo.com"));
	assert_true(host_is_below(&name, "com"));
	assert_false(host_is_below(&name, "oo.com"));
	assert_false(host_is_below(&name, "b.a.foo.com"));
	assert_false(host_is_below(&address, "2"));
}

static void a_service_is_told_from_its_host(void **state)
{
	static const struct {
		const char *text, *base;
	} rows[] = {
		{ "_http._tcp.foo.com", "foo.com" },
		{ "_a.foo.com", "foo.com" },
		{ "foo._tcp.com", "foo._tcp.com" },
		{ "foo.com", "foo.com" },
		{ "_a._b", "" },
		{ "_", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct host host = parsed(rows[i].text);

		assert_string_equal(host_without_service(&host), rows[i].base);
	}
}

static void some_names_are_no_sites(void **state)
{
	static const char *const sites[] = { "foo.com", "a.b.test", "11.0.0.2", "2600:1::2",
		"local.foo.com", "a_b.foo.com", "mylocal.test" };
	static const char *const others[] = { "foo", "_", "_http._tcp.foo.com", "a.local",
		"a.localhost", "1.0.0.127.in-addr.arpa", "a.onion", "b.invalid",
		"vm.localdomain" };

	(void)state;
	for (size_t i = 0; i < sizeof(sites) / sizeof(sites[0]); i++) {
		const struct host host = parsed(sites[i]);

		assert_true(host_may_be_site(&host));
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		const struct host host = parsed(others[i]);

		assert_false(host_may_be_site(&host));
	}
}

static void the_key_is_the_name_reversed(void **state)
{
	struct domain_key key;
	struct host host;

	(void)state;
	assert_int_equal(host_parse(BYTES("foo.com"), HOST_NO_BRACKETS, &host), 0);
	memset(&key, 0x5a, sizeof(key));
	host_key(&host, &key);
	assert_int_equal(key.bits, 64);
	assert_memory_equal(key.name, "moc.oof\0\0", 9);
	for (size_t i = 7; i < sizeof(key.name); i++)
		assert_int_equal(key.name[i], 0);
	assert_int_equal(host_parse(BYTES(NAME_252 "a"), HOST_NO_BRACKETS, &host), 0);
	host_key(&host, &key);
	assert_int_equal(key.bits, 8 * 254);
	assert_int_equal(key.name[0], 'a');
	assert_int_equal(key.name[252], 'a');
	assert_int_equal(key.name[253], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_addresses_become_canonical),
		cmocka_unit_test(ipv6_becomes_canonical),
		cmocka_unit_test(all_else_is_refused),
		cmocka_unit_test(brackets_stand_where_they_belong),
		cmocka_unit_test(each_byte_is_judged_alike_everywhere),
		cmocka_unit_test(a_port_may_follow),
		cmocka_unit_test(a_bad_port_writes_nothing),
		cmocka_unit_test(hosts_are_compared_whole),
		cmocka_unit_test(a_name_is_below_whole_labels),
		cmocka_unit_test(a_service_is_told_from_its_host),
		cmocka_unit_test(some_names_are_no_sites),
		cmocka_unit_test(the_key_is_the_name_reversed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
