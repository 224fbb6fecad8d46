/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Converts addresses between text, sockets and the form that the maps use. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "jobfence/address.h"

#define ADDRESS_TEXT_MAX 46 /* INET6_ADDRSTRLEN */
#define RANGE_TEXT_MAX	 50
#define NAT64_TEXT_MAX	 (NAT64_PREFIXES_MAX * RANGE_TEXT_MAX)

/*
 * Parses an IPv4 dotted quad (strict, no leading zeros) or an IPv6 address without
 * brackets or zone. An IPv4-mapped IPv6 address gives the IPv4 address. Returns 0 or
 * -EINVAL.
 */
int address_parse(const char *text, size_t length, struct address *address);

/* Writes the canonical text: a dotted quad for IPv4, or RFC 5952 for IPv6. */
void address_format(const struct address *address, char text[ADDRESS_TEXT_MAX]);

/*
 * Parses ADDRESS or ADDRESS/BITS. Bits beyond the prefix have to be zero. An IPv4 range
 * is returned in its mapped form (bits + 96), so ::/0 contains the IPv4 addresses too.
 * Returns 0 or -EINVAL.
 */
int range_parse(const char *text, size_t length, struct address_range *range);

/* Writes the text of a range, with /BITS unless it is a single address. */
void range_format(const struct address_range *range, char text[RANGE_TEXT_MAX]);

/*
 * Parses NAT64 prefixes with blanks between them. Each has 32, 40, 48, 56, 64 or 96 bits
 * (RFC 6052 section 2.2). Unused entries get bits 0. Returns 0, -EINVAL, or -E2BIG for
 * too many prefixes.
 */
int nat64_parse(const char *text, struct address_range prefixes[NAT64_PREFIXES_MAX]);

/*
 * Convert between a socket's address and an endpoint. endpoint_to_socket() gives an
 * AF_INET address for IPv4, and returns the length. endpoint_from_socket() returns
 * -EAFNOSUPPORT for other families.
 */
socklen_t endpoint_to_socket(
	const struct endpoint *endpoint, struct sockaddr_storage *socket);
int endpoint_from_socket(const struct sockaddr *socket, struct endpoint *endpoint);
