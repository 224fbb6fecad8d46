// SPDX-License-Identifier: BSD-2-Clause
/*
 * Addresses as text, in sockets and in the form that the maps use. inet_pton(3) and
 * inet_ntop(3) do the work, on a copy. The input is bytes with a length, and may hold a
 * NUL.
 */

#include "names/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define IPV4_BITS 96 /* bits of the prefix of an IPv4-mapped address */

int address_parse(const char *text, size_t length, struct address *address)
{
	char copy[ADDRESS_TEXT_MAX];
	struct in6_addr ipv6;
	struct in_addr ipv4;

	if (length >= sizeof(copy) || memchr(text, '\0', length))
		return -EINVAL;
	memcpy(copy, text, length);
	copy[length] = '\0';
	if (inet_pton(AF_INET, copy, &ipv4) == 1)
		address_from_ipv4(address, ipv4.s_addr);
	else if (inet_pton(AF_INET6, copy, &ipv6) == 1)
		memcpy(address->bytes, &ipv6, sizeof(ipv6));
	else
		return -EINVAL;
	return 0;
}

void address_format(const struct address *address, char text[ADDRESS_TEXT_MAX])
{
	/* Neither call can fail: the family is known, and the buffer is large enough. */
	if (address_is_ipv4(address))
		inet_ntop(AF_INET, &address->words[3], text, ADDRESS_TEXT_MAX);
	else
		inet_ntop(AF_INET6, address->bytes, text, ADDRESS_TEXT_MAX);
}

/* Parses 1 to 3 digits without a leading zero. Returns -EINVAL for anything else. */
static int parse_bits(const char *text, size_t length)
{
	int bits = 0;

	if (length < 1 || length > 3 || (text[0] == '0' && length > 1))
		return -EINVAL;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		bits = bits * 10 + (text[i] - '0');
	}
	return bits;
}

/* Whether all bits of the address beyond the prefix are zero. */
static bool range_is_aligned(const struct address_range *range)
{
	for (unsigned bit = range->bits; bit < 128; bit++)
		if (range->address.bytes[bit / 8] & 0x80 >> bit % 8)
			return false;
	return true;
}

int range_parse(const char *text, size_t length, struct address_range *range)
{
	const char *slash = memchr(text, '/', length);
	size_t address_length = slash ? (size_t)(slash - text) : length;
	int offset = memchr(text, ':', address_length) ? 0 : IPV4_BITS, bits = 128 - offset;
	struct address_range parsed;

	if (address_parse(text, address_length, &parsed.address))
		return -EINVAL;
	if (slash)
		bits = parse_bits(slash + 1, length - address_length - 1);
	if (bits < 0 || bits + offset > 128)
		return -EINVAL;
	parsed.bits = bits + offset;
	if (!range_is_aligned(&parsed))
		return -EINVAL;
	*range = parsed;
	return 0;
}

void range_format(const struct address_range *range, char text[RANGE_TEXT_MAX])
{
	bool ipv4 = range->bits >= IPV4_BITS && address_is_ipv4(&range->address);
	size_t length;

	address_format(&range->address, text);
	length = strlen(text);
	if (range->bits < 128)
		snprintf(text + length, RANGE_TEXT_MAX - length, "/%u",
			range->bits - (ipv4 ? IPV4_BITS : 0));
}

static bool is_nat64_prefix(const struct address_range *range)
{
	bool sized = range->bits == 96 ||
		     (range->bits >= 32 && range->bits <= 64 && range->bits % 8 == 0);

	return sized && !address_is_ipv4(&range->address) && !range->address.bytes[8];
}

int nat64_parse(const char *text, struct address_range prefixes[NAT64_PREFIXES_MAX])
{
	struct address_range parsed[NAT64_PREFIXES_MAX] = {};
	size_t count = 0;

	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		size_t length = strcspn(text, " ");

		if (count == NAT64_PREFIXES_MAX)
			return -E2BIG;
		if (range_parse(text, length, &parsed[count]) ||
			!is_nat64_prefix(&parsed[count]))
			return -EINVAL;
		text += length;
		count++;
	}
	memcpy(prefixes, parsed, sizeof(parsed));
	return 0;
}

socklen_t endpoint_to_socket(
	const struct endpoint *endpoint, struct sockaddr_storage *socket)
{
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)socket;
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)socket;

	memset(socket, 0, sizeof(*socket));
	if (address_is_ipv4(&endpoint->address)) {
		ipv4->sin_family = AF_INET;
		ipv4->sin_port = endpoint->port;
		ipv4->sin_addr.s_addr = endpoint->address.words[3];
		return sizeof(*ipv4);
	}
	ipv6->sin6_family = AF_INET6;
	ipv6->sin6_port = endpoint->port;
	memcpy(&ipv6->sin6_addr, endpoint->address.bytes, sizeof(ipv6->sin6_addr));
	return sizeof(*ipv6);
}

int endpoint_from_socket(const struct sockaddr *socket, struct endpoint *endpoint)
{
	const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)socket;
	const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)socket;

	switch (socket->sa_family) {
	case AF_INET:
		*endpoint = (struct endpoint){ .port = ipv4->sin_port };
		address_from_ipv4(&endpoint->address, ipv4->sin_addr.s_addr);
		return 0;
	case AF_INET6:
		*endpoint = (struct endpoint){ .port = ipv6->sin6_port };
		memcpy(endpoint->address.bytes, &ipv6->sin6_addr, sizeof(ipv6->sin6_addr));
		return 0;
	default:
		return -EAFNOSUPPORT;
	}
}
