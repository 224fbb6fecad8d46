// SPDX-License-Identifier: BSD-2-Clause
/*
 * Addresses. The classifier at the edges of every range, and text and sockets both ways.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "names/address.h"

static struct address parsed(const char *text)
{
	struct address address;

	if (address_parse(text, strlen(text), &address))
		fail_msg("no address: %s", text);
	return address;
}

static void each_range_ends_where_it_should(void **state)
{
	static const struct {
		const char *text;
		enum address_class class;
	} rows[] = {
		{ "0.0.0.0", ADDRESS_UNSPECIFIED },
		{ "0.255.255.255", ADDRESS_UNSPECIFIED },
		{ "1.0.0.0", ADDRESS_PUBLIC },
		{ "9.255.255.255", ADDRESS_PUBLIC },
		{ "10.0.0.0", ADDRESS_PRIVATE },
		{ "10.255.255.255", ADDRESS_PRIVATE },
		{ "11.0.0.0", ADDRESS_PUBLIC },
		{ "100.63.255.255", ADDRESS_PUBLIC },
		{ "100.64.0.0", ADDRESS_SHARED },
		{ "100.127.255.255", ADDRESS_SHARED },
		{ "100.128.0.0", ADDRESS_PUBLIC },
		{ "126.255.255.255", ADDRESS_PUBLIC },
		{ "127.0.0.0", ADDRESS_LOOPBACK },
		{ "127.0.0.1", ADDRESS_LOOPBACK },
		{ "127.255.255.255", ADDRESS_LOOPBACK },
		{ "128.0.0.0", ADDRESS_PUBLIC },
		{ "168.63.129.15", ADDRESS_PUBLIC },
		{ "168.63.129.16", ADDRESS_LINK_LOCAL },
		{ "168.63.129.17", ADDRESS_PUBLIC },
		{ "169.253.255.255", ADDRESS_PUBLIC },
		{ "169.254.0.0", ADDRESS_LINK_LOCAL },
		{ "169.254.169.254", ADDRESS_LINK_LOCAL },
		{ "169.255.0.0", ADDRESS_PUBLIC },
		{ "172.15.255.255", ADDRESS_PUBLIC },
		{ "172.16.0.0", ADDRESS_PRIVATE },
		{ "172.31.255.255", ADDRESS_PRIVATE },
		{ "172.32.0.0", ADDRESS_PUBLIC },
		{ "191.255.255.255", ADDRESS_PUBLIC },
		{ "192.0.0.0", ADDRESS_RESERVED },
		{ PROXY_ADDRESS4, ADDRESS_RESERVED },
		{ "192.0.0.255", ADDRESS_RESERVED },
		{ "192.0.1.0", ADDRESS_PUBLIC },
		{ "192.0.2.0", ADDRESS_RESERVED },
		{ "192.0.2.255", ADDRESS_RESERVED },
		{ "192.0.3.0", ADDRESS_PUBLIC },
		{ "192.88.98.255", ADDRESS_PUBLIC },
		{ "192.88.99.1", ADDRESS_RESERVED },
		{ "192.88.100.0", ADDRESS_PUBLIC },
		{ "192.167.255.255", ADDRESS_PUBLIC },
		{ "192.168.0.0", ADDRESS_PRIVATE },
		{ "192.168.255.255", ADDRESS_PRIVATE },
		{ "192.169.0.0", ADDRESS_PUBLIC },
		{ "198.17.255.255", ADDRESS_PUBLIC },
		{ "198.18.0.0", ADDRESS_RESERVED },
		{ "198.19.255.255", ADDRESS_RESERVED },
		{ "198.20.0.0", ADDRESS_PUBLIC },
		{ "198.51.99.255", ADDRESS_PUBLIC },
		{ "198.51.100.0", ADDRESS_RESERVED },
		{ "198.51.101.0", ADDRESS_PUBLIC },
		{ "203.0.112.255", ADDRESS_PUBLIC },
		{ "203.0.113.255", ADDRESS_RESERVED },
		{ "203.0.114.0", ADDRESS_PUBLIC },
		{ "223.255.255.255", ADDRESS_PUBLIC },
		{ "224.0.0.0", ADDRESS_MULTICAST },
		{ "239.255.255.255", ADDRESS_MULTICAST },
		{ "240.0.0.0", ADDRESS_RESERVED },
		{ "255.255.255.254", ADDRESS_RESERVED },
		{ "255.255.255.255", ADDRESS_MULTICAST },

		{ "::", ADDRESS_UNSPECIFIED },
		{ "::1", ADDRESS_LOOPBACK },
		{ "::2", ADDRESS_RESERVED },
		{ "::127.0.0.1", ADDRESS_RESERVED },
		{ "::8.8.8.8", ADDRESS_RESERVED },
		{ "::1:0:0", ADDRESS_RESERVED },
		{ "::ffff:127.0.0.2", ADDRESS_LOOPBACK },
		{ "::ffff:8.8.8.8", ADDRESS_PUBLIC },
		{ "::fffe:8.8.8.8", ADDRESS_RESERVED },
		{ "::1:ffff:8.8.8.8", ADDRESS_RESERVED },
		{ "::ffff:0:8.8.8.8", ADDRESS_RESERVED },
		{ "::ffff:0:127.0.0.1", ADDRESS_RESERVED },
		{ "64:ff9a:ffff:ffff:ffff:ffff:808:808", ADDRESS_RESERVED },
		{ "64:ff9b::8.8.8.8", ADDRESS_PUBLIC },
		{ "64:ff9b::127.0.0.1", ADDRESS_LOOPBACK },
		{ "64:ff9b::10.1.2.3", ADDRESS_PRIVATE },
		{ "64:ff9b::169.254.169.254", ADDRESS_LINK_LOCAL },
		{ "64:ff9b::168.63.129.16", ADDRESS_LINK_LOCAL },
		{ "64:ff9b::", ADDRESS_UNSPECIFIED },
		{ "64:ff9b::1:8.8.8.8", ADDRESS_RESERVED },
		{ "64:ff9b:1::8.8.8.8", ADDRESS_RESERVED },
		{ "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", ADDRESS_RESERVED },
		{ "100::1", ADDRESS_RESERVED },
		{ PROXY_ADDRESS6, ADDRESS_RESERVED },
		{ "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ADDRESS_RESERVED },
		{ "2000::", ADDRESS_PUBLIC },
		{ "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ADDRESS_PUBLIC },
		{ "2001::1", ADDRESS_RESERVED },
		{ "2001:0:4136:e378:8000:63bf:3fff:fdd2", ADDRESS_RESERVED },
		{ "2001:2::1", ADDRESS_RESERVED },
		{ "2001:10::1", ADDRESS_RESERVED },
		{ "2001:20::1", ADDRESS_RESERVED },
		{ "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", ADDRESS_RESERVED },
		{ "2001:200::", ADDRESS_PUBLIC },
		{ "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", ADDRESS_PUBLIC },
		{ "2001:db8::", ADDRESS_RESERVED },
		{ "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", ADDRESS_RESERVED },
		{ "2001:db9::", ADDRESS_PUBLIC },
		{ "2001:4860:4860::8888", ADDRESS_PUBLIC },
		{ "2001:4860::5efe:10.0.0.1", ADDRESS_RESERVED },
		{ "2001:4860::200:5efe:10.0.0.1", ADDRESS_RESERVED },
		{ "2001:4860::5eff:10.0.0.1", ADDRESS_PUBLIC },
		{ "2001:4860::100:5efe:10.0.0.1", ADDRESS_PUBLIC },
		{ "2002::", ADDRESS_RESERVED },
		{ "2002:7f00:1::", ADDRESS_RESERVED },
		{ "2002:808:808::1", ADDRESS_RESERVED },
		{ "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ADDRESS_RESERVED },
		{ "2003::", ADDRESS_PUBLIC },
		{ "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ADDRESS_PUBLIC },
		{ "3fff::", ADDRESS_RESERVED },
		{ "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", ADDRESS_RESERVED },
		{ "3fff:1000::", ADDRESS_PUBLIC },
		{ "4000::", ADDRESS_RESERVED },
		{ "5f00::1", ADDRESS_RESERVED },
		{ "fbff::1", ADDRESS_RESERVED },
		{ "fc00::", ADDRESS_PRIVATE },
		{ "fd00:ec2::254", ADDRESS_PRIVATE },
		{ "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ADDRESS_PRIVATE },
		{ "fe00::", ADDRESS_RESERVED },
		{ "fe7f::1", ADDRESS_RESERVED },
		{ "fe80::", ADDRESS_LINK_LOCAL },
		{ "fe80::5efe:8.8.8.8", ADDRESS_LINK_LOCAL },
		{ "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ADDRESS_LINK_LOCAL },
		{ "fec0::", ADDRESS_PRIVATE },
		{ "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ADDRESS_PRIVATE },
		{ "ff00::", ADDRESS_MULTICAST },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ADDRESS_MULTICAST },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct address address = parsed(rows[i].text);
		enum address_class class = address_class(&address, NULL);

		if (class != rows[i].class)
			fail_msg("%s is of class %d", rows[i].text, (int)class);
	}
}

/* The forms are those of RFC 6052 section 2.2. The prefix is not one of documentation. */
static void the_address_behind_a_prefix_of_the_network_counts(void **state)
{
	static const struct {
		const char *prefix, *text;
		enum address_class class;
	} rows[] = {
		{ "2600:64::/32", "2600:64:a9fe:a9fe::", ADDRESS_LINK_LOCAL },
		{ "2600:64::/32", "2600:64:808:808::", ADDRESS_PUBLIC },
		{ "2600:64:100::/40", "2600:64:1a9:fea9:fe::", ADDRESS_LINK_LOCAL },
		{ "2600:64:122::/48", "2600:64:122:a9fe:a9:fe00::", ADDRESS_LINK_LOCAL },
		{ "2600:64:122:300::/56", "2600:64:122:3a9:fe:a9fe::", ADDRESS_LINK_LOCAL },
		{ "2600:64:122:344::/64",
			"2600:64:122:344:a9:fea9:fe00::", ADDRESS_LINK_LOCAL },
		{ "2600:64:122:344::/64", "2600:64:122:344:8:808:800::", ADDRESS_PUBLIC },
		/* The bits after the IPv4 address change nothing. */
		{ "2600:64:122:344::/64", "2600:64:122:344:a9:fea9:feff:ffff",
			ADDRESS_LINK_LOCAL },
		/* RFC 6052 reserves bits 64 to 71. */
		{ "2600:64:122:344::/64",
			"2600:64:122:344:108:808:800::", ADDRESS_UNSPECIFIED },
		{ "2600:64:122:344::/96", "2600:64:122:344::10.1.2.3", ADDRESS_PRIVATE },
		{ "2600:64:122:344::/96", "2600:64:122:344::168.63.129.16",
			ADDRESS_LINK_LOCAL },
		{ "2600:64:122:344::/96", "2600:64:122:344::8.8.8.8", ADDRESS_PUBLIC },
		{ "2600:64:122:344::/96", "2600:64:122:344:0:1:10.1.2.3", ADDRESS_PUBLIC },
		/* A prefix may be a local one, with more prefixes beside it. */
		{ "64:ff9b:1::/96", "64:ff9b:1::8.8.8.8", ADDRESS_PUBLIC },
		{ "64:ff9b:1::/96", "64:ff9b:1:1::8.8.8.8", ADDRESS_RESERVED },
		{ "fd00::/96  2600:64::/32", "2600:64:a01:203::", ADDRESS_PRIVATE },
		{ "fd00::/96  2600:64::/32", "64:ff9b::127.0.0.1", ADDRESS_LOOPBACK },
		{ "", "2600:64:a9fe:a9fe::", ADDRESS_PUBLIC },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct address_range prefixes[NAT64_PREFIXES_MAX];
		struct address address = parsed(rows[i].text);
		enum address_class class;

		assert_int_equal(nat64_parse(rows[i].prefix, prefixes), 0);
		class = address_class(&address, prefixes);
		if (class != rows[i].class)
			fail_msg("%s behind %s is of class %d", rows[i].text,
				rows[i].prefix, (int)class);
	}
}

static void what_is_no_nat64_prefix_is_refused(void **state)
{
	static const char *const rows[] = { "2600::/33", "2600::/24", "2600::/72",
		"2600::/128", "2600::1/64", "10.0.0.0/8", "0.0.0.0/0",
		"2600:0:0:0:100::/96", "2600::", "2600::/96 x", "2600::/96,2600::/96" };
	struct address_range prefixes[NAT64_PREFIXES_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (nat64_parse(rows[i], prefixes) != -EINVAL)
			fail_msg("%s was taken", rows[i]);
	assert_int_equal(nat64_parse("1::/96 2::/96 3::/96 4::/96", prefixes), 0);
	assert_int_equal(
		nat64_parse("1::/96 2::/96 3::/96 4::/96 5::/96", prefixes), -E2BIG);
}

static void text_becomes_canonical(void **state)
{
	static const struct {
		const char *text, *canonical;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "::FFFF:192.0.2.1", "192.0.2.1" },
		{ "2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
			"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
		{ "::", "::" },
	};
	char text[ADDRESS_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct address address = parsed(rows[i].text);

		address_format(&address, text);
		assert_string_equal(text, rows[i].canonical);
	}
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"1",
		"1.2.3",
		"1.2.3.4.",
		"1.2.3.04",
		"0x7f.0.0.1",
		"1.2.3.4 ",
		" 1.2.3.4",
		"1.2.3.256",
		"[::1]",
		"::1%lo",
		"::1/128",
		":",
		"1::2::3",
		"12345::",
		"::ffff:1.2.3.04",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
	};
	struct address address;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (address_parse(rows[i], strlen(rows[i]), &address) != -EINVAL)
			fail_msg("accepted: %s", rows[i]);
	assert_int_equal(address_parse("::1\0", 4, &address), -EINVAL);
	assert_int_equal(address_parse("1.2.3.4\0.5", 10, &address), -EINVAL);
}

static void ranges_become_canonical(void **state)
{
	static const struct {
		const char *text, *canonical;
		uint32_t bits;
	} rows[] = {
		{ "10.0.0.0/8", "10.0.0.0/8", 104 },
		{ "0.0.0.0/0", "0.0.0.0/0", 96 },
		{ "192.0.2.1", "192.0.2.1", 128 },
		{ "192.0.2.1/32", "192.0.2.1", 128 },
		{ "::/0", "::/0", 0 },
		{ "::/80", "::/80", 80 },
		{ "2001:DB8::/32", "2001:db8::/32", 32 },
		{ "2001:db8::1", "2001:db8::1", 128 },
		{ "::ffff:10.0.0.0/104", "10.0.0.0/8", 104 },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127",
			"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127", 127 },
	};
	struct address_range range;
	char text[RANGE_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (range_parse(rows[i].text, strlen(rows[i].text), &range))
			fail_msg("refused: %s", rows[i].text);
		assert_int_equal(range.bits, rows[i].bits);
		range_format(&range, text);
		assert_string_equal(text, rows[i].canonical);
	}
}

static void what_is_no_range_is_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"/8",
		"10.0.0.0/",
		"10.0.0.0/33",
		"10.0.0.0/08",
		"10.0.0.0/-1",
		"10.0.0.0/ 8",
		"10.0.0.0/8 ",
		"10.0.0.0/8/8",
		"10.0.0.1/8",
		"10.0.0.0/104",
		"10.0.0.0/4294967304",
		"10/8",
		"::1/0",
		"::/129",
		"::/1000",
		"::ffff:0:0/95",
		"fe80::1/64",
		"fe80::%lo/64",
	};
	struct address_range range;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (range_parse(rows[i], strlen(rows[i]), &range) != -EINVAL)
			fail_msg("accepted: %s", rows[i]);
}

/*
 * For every length of prefix, an address that differs in its last bit is outside. One
 * that differs in the first bit beyond it is inside.
 */
static void a_range_contains_its_prefix_only(void **state)
{
	struct address_range range = { .address = parsed(
					       "2001:db8:a5a5:5a5a:c3c3:3c3c:f0f0:f0f") };
	struct address other;

	(void)state;
	for (range.bits = 0; range.bits <= 128; range.bits++) {
		for (unsigned bit = 0; bit < 128; bit++) {
			other = range.address;
			other.bytes[bit / 8] ^= 0x80 >> bit % 8;
			assert_int_equal(
				address_in_range(&other, &range), bit >= range.bits);
		}
		assert_true(address_in_range(&range.address, &range));
	}
	range.bits = 129;
	assert_false(address_in_range(&range.address, &range));
	range.bits = UINT32_MAX;
	assert_false(address_in_range(&range.address, &range));
}

static void endpoints_pass_through_sockets(void **state)
{
	static const struct {
		const char *text;
		int family;
		size_t length;
	} rows[] = {
		{ "192.0.2.1", AF_INET, sizeof(struct sockaddr_in) },
		{ "2001:db8::1", AF_INET6, sizeof(struct sockaddr_in6) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct endpoint endpoint = { .address = parsed(rows[i].text) }, again;
		struct sockaddr_storage socket;

		endpoint.port = htons(443);
		memset(&again, 0x5a, sizeof(again));
		assert_int_equal(endpoint_to_socket(&endpoint, &socket), rows[i].length);
		assert_int_equal(socket.ss_family, rows[i].family);
		assert_int_equal(
			endpoint_from_socket((struct sockaddr *)&socket, &again), 0);
		assert_memory_equal(&again, &endpoint, sizeof(again));
	}
}

static void a_mapped_address_in_a_socket_is_ipv4(void **state)
{
	struct sockaddr_in6 mapped = { .sin6_family = AF_INET6, .sin6_port = htons(80) };
	struct sockaddr_un unix_socket = { .sun_family = AF_UNIX };
	struct sockaddr_storage socket;
	struct endpoint endpoint;

	(void)state;
	assert_int_equal(inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped.sin6_addr), 1);
	assert_int_equal(endpoint_from_socket((struct sockaddr *)&mapped, &endpoint), 0);
	assert_int_equal(address_class(&endpoint.address, NULL), ADDRESS_LOOPBACK);
	assert_int_equal(
		endpoint_to_socket(&endpoint, &socket), sizeof(struct sockaddr_in));
	assert_int_equal(endpoint_from_socket((struct sockaddr *)&unix_socket, &endpoint),
		-EAFNOSUPPORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_range_ends_where_it_should),
		cmocka_unit_test(the_address_behind_a_prefix_of_the_network_counts),
		cmocka_unit_test(what_is_no_nat64_prefix_is_refused),
		cmocka_unit_test(text_becomes_canonical),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(ranges_become_canonical),
		cmocka_unit_test(what_is_no_range_is_refused),
		cmocka_unit_test(a_range_contains_its_prefix_only),
		cmocka_unit_test(endpoints_pass_through_sockets),
		cmocka_unit_test(a_mapped_address_in_a_socket_is_ipv4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
