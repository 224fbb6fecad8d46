/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Addresses: their mapped form, what they are equal to, and the one classifier. The proxy
 * classifies an address before it dials. The programs on the proxy's cgroup classify it
 * again when the proxy dials. So this file is for both compilers: no libc, and bounded
 * loops only.
 *
 * The table names what must not be dialled, after IANA's registries of special-purpose
 * addresses for IPv4 and IPv6 (2025-10). Its last rows name the public address space. An
 * address without a row is refused, so a gap closes the fence.
 */

#include "jobfence/abi.h"

#include <stdbool.h>

enum address_class {
	ADDRESS_PUBLIC = 0, /* globally reachable unicast */
	ADDRESS_UNSPECIFIED,
	ADDRESS_LOOPBACK,
	ADDRESS_PRIVATE,    /* RFC 1918, unique local, deprecated site-local */
	ADDRESS_LINK_LOCAL, /* and metadata services of clouds */
	ADDRESS_SHARED,	    /* carrier-grade NAT, RFC 6598 */
	ADDRESS_MULTICAST,  /* and broadcast */
	ADDRESS_RESERVED,   /* documentation, benchmarking, protocol assignments, tunnels,
			       unassigned */
};

struct address_row {
	struct address_range range;
	enum address_class class;
};

#define ADDRESS_INLINE static inline __attribute__((always_inline))

/* A number of 32 bits in network byte order. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ADDRESS_WORD(number) __builtin_bswap32(number)
#else
#define ADDRESS_WORD(number) (number)
#endif

/* Word 2 of an IPv4 address in its mapped form. Words 0 and 1 are 0. */
#define ADDRESS_MAPPED ADDRESS_WORD(0x0000ffff)

ADDRESS_INLINE void address_from_ipv4(struct address *address, __be32 ipv4)
{
	address->words[0] = 0;
	address->words[1] = 0;
	address->words[2] = ADDRESS_MAPPED;
	address->words[3] = ipv4;
}

ADDRESS_INLINE bool address_equal(const struct address *a, const struct address *b)
{
	return a->words[0] == b->words[0] && a->words[1] == b->words[1] &&
	       a->words[2] == b->words[2] && a->words[3] == b->words[3];
}

ADDRESS_INLINE bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && address_equal(&a->address, &b->address);
}

/* Half of an address as a number. */
ADDRESS_INLINE __u64 address_half(const __be32 words[2])
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return (__u64)__builtin_bswap32(words[0]) << 32 | __builtin_bswap32(words[1]);
#else
	return (__u64)words[0] << 32 | words[1];
#endif
}

/* The upper `bits` (0 to 64) of a half. */
ADDRESS_INLINE __u64 address_mask(__u32 bits)
{
	return bits ? ~0ULL << (64 - bits) : 0;
}

/* Whether a range contains `address`. One of more than 128 bits contains nothing. */
ADDRESS_INLINE bool address_in_range(
	const struct address *address, const struct address_range *range)
{
	__u64 upper = address_half(address->words) ^ address_half(range->address.words);
	__u64 lower =
		address_half(address->words + 2) ^ address_half(range->address.words + 2);
	__u32 bits = range->bits;

	if (bits > 128)
		return false;
	if (bits <= 64)
		return !(upper & address_mask(bits));
	return !upper && !(lower & address_mask(bits - 64));
}

/* Whether it is an IPv4 address. All of the project keeps these in mapped form. */
ADDRESS_INLINE bool address_is_ipv4(const struct address *address)
{
	return !address_half(address->words) &&
	       address_half(address->words + 2) >> 32 == 0xffff;
}

/*
 * Whether a socket that goes to `address` stays on the loopback. A connect(2) to the
 * unspecified address does, too (ip_route_output_key_hash(), ip6_dst_lookup()).
 */
ADDRESS_INLINE bool address_is_loopback(const struct address *address)
{
	if (address_is_ipv4(address))
		return (address->words[3] & ADDRESS_WORD(0xff000000)) ==
			       ADDRESS_WORD(0x7f000000) ||
		       !address->words[3];
	return !address->words[0] && !address->words[1] && !address->words[2] &&
	       (!address->words[3] || address->words[3] == ADDRESS_WORD(1));
}

/* Whether it is an address under which a job sees its proxy. */
ADDRESS_INLINE bool address_is_virtual(const struct address *address)
{
	if (address_is_ipv4(address))
		return address->words[3] == ADDRESS_WORD(PROXY_ADDRESS4_WORD);
	return address->words[0] == ADDRESS_WORD(PROXY_ADDRESS6_WORD0) &&
	       address->words[1] == ADDRESS_WORD(PROXY_ADDRESS6_WORD1) &&
	       !address->words[2] &&
	       address->words[3] == ADDRESS_WORD(PROXY_ADDRESS6_WORD3);
}

/* Whether the interface identifier is that of ISATAP (RFC 5214 section 6.1). Such an
 * address is a tunnel to the IPv4 address in it, below any prefix. */
ADDRESS_INLINE bool address_is_isatap(const struct address *address)
{
	return (address_half(address->words + 2) >> 32 & ~0x02000000U) == 0x00005efe;
}

/*
 * The class of the first of `count` rows that covers `address`. The kernel does this for
 * each packet, so unroll: comparisons with constants are faster than a loop over loads.
 */
ADDRESS_INLINE enum address_class address_first_of(
	const struct address *address, const struct address_row *rows, unsigned count)
{
#ifdef __bpf__
#pragma unroll
#endif
	for (unsigned i = 0; i < count; i++)
		if (address_in_range(address, &rows[i].range))
			return rows[i].class;
	return ADDRESS_RESERVED;
}

/* The class of the first row of its family that covers `address`. */
ADDRESS_INLINE enum address_class address_look_up(const struct address *address)
{
#define IPV6(size, kind, ...) \
	{ \
		.range.address.bytes = { __VA_ARGS__ }, .range.bits = (size), \
		.class = ADDRESS_##kind \
	}
#define IPV4(size, kind, ...) IPV6(96 + (size), kind, [10] = 0xff, 0xff, __VA_ARGS__)
	static const struct address_row ip4[] = {
		IPV4(8, UNSPECIFIED, 0),	  /* RFC 791 section 3.2 */
		IPV4(8, PRIVATE, 10),		  /* RFC 1918 */
		IPV4(10, SHARED, 100, 64),	  /* RFC 6598 */
		IPV4(8, LOOPBACK, 127),		  /* RFC 1122 section 3.2.1.3 */
		IPV4(16, LINK_LOCAL, 169, 254),	  /* RFC 3927 */
		IPV4(12, PRIVATE, 172, 16),	  /* RFC 1918 */
		IPV4(24, RESERVED, 192, 0, 0),	  /* protocols, RFC 6890 section 2.1 */
		IPV4(24, RESERVED, 192, 0, 2),	  /* documentation, RFC 5737 */
		IPV4(24, RESERVED, 192, 88, 99),  /* 6to4 relays, RFC 7526 */
		IPV4(16, PRIVATE, 192, 168),	  /* RFC 1918 */
		IPV4(15, RESERVED, 198, 18),	  /* benchmarking, RFC 2544 */
		IPV4(24, RESERVED, 198, 51, 100), /* documentation, RFC 5737 */
		IPV4(24, RESERVED, 203, 0, 113),  /* documentation, RFC 5737 */
		IPV4(4, MULTICAST, 224),	  /* RFC 5771 */
		IPV4(32, MULTICAST, 255, 255, 255, 255), /* broadcast, RFC 919 section 7 */
		IPV4(32, LINK_LOCAL, 168, 63, 129, 16),	 /* Azure's, from inside */
		IPV4(4, RESERVED, 240),			 /* RFC 1112 section 4 */
		IPV4(0, PUBLIC, 0),
	};
	static const struct address_row ip6[] = {
		IPV6(128, UNSPECIFIED, 0),     /* RFC 4291 section 2.5.2 */
		IPV6(128, LOOPBACK, [15] = 1), /* RFC 4291 section 2.5.3 */
		IPV6(96, RESERVED, 0), /* IPv4-compatible, RFC 4291 section 2.5.5.1 */
		/* IPv4-translated, RFC 2765 section 2.1 */
		IPV6(96, RESERVED, [8] = 0xff, 0xff),
		IPV6(48, RESERVED, 0, 0x64, 0xff, 0x9b, 0, 1), /* local NAT64, RFC 8215 */
		IPV6(64, RESERVED, 1),			       /* discard, RFC 6666 */
		IPV6(64, RESERVED, 1, [7] = 1),		       /* dummy, RFC 9780 */
		IPV6(16, RESERVED, 0x5f),	  /* segment routing, RFC 9602 */
		IPV6(7, PRIVATE, 0xfc),		  /* unique local, RFC 4193 */
		IPV6(10, LINK_LOCAL, 0xfe, 0x80), /* RFC 4291 section 2.5.6 */
		IPV6(10, PRIVATE, 0xfe, 0xc0),	  /* site-local, RFC 3879 */
		IPV6(8, MULTICAST, 0xff),	  /* RFC 4291 section 2.7 */
		/* Protocols, RFC 2928; in it Teredo (RFC 4380), benchmarking (RFC 5180),
		 * ORCHID (RFC 4843, RFC 7343), drone tags (RFC 9374), and anycast services
		 * other than web servers. */
		IPV6(23, RESERVED, 0x20, 0x01),
		IPV6(32, RESERVED, 0x20, 0x01, 0x0d, 0xb8), /* documentation, RFC 3849 */
		IPV6(16, RESERVED, 0x20, 0x02),		    /* 6to4, RFC 3056 */
		IPV6(20, RESERVED, 0x3f, 0xff),		    /* documentation, RFC 9637 */
		IPV6(3, PUBLIC, 0x20),			    /* RFC 4291 section 2.4 */
	};
#undef IPV4
#undef IPV6

	if (address_is_ipv4(address))
		return address_first_of(address, ip4, sizeof(ip4) / sizeof(ip4[0]));
	return address_first_of(address, ip6, sizeof(ip6) / sizeof(ip6[0]));
}

/*
 * The IPv4 address that follows a NAT64 prefix of `bits`, as a number (RFC 6052 section
 * 2.2). Bits 64 to 71 of the address are not part of it.
 */
ADDRESS_INLINE __u32 address_embedded(const struct address *address, __u32 bits)
{
	__u64 upper = address_half(address->words);
	__u64 lower = address_half(address->words + 2);

	if (bits > 64)
		return (__u32)lower;
	if (bits <= 32)
		return (__u32)upper;
	return (__u32)(upper << (bits - 32) | lower << 8 >> (96 - bits));
}

/*
 * What a packet to `address` reaches. Below a NAT64 prefix this is the IPv4 address
 * inside. NAT64 prefixes are the well-known one (RFC 6052) and the network's own,
 * `prefixes` (NULL: none; rows with 0 bits are unused). Any other address reaches itself.
 * A form that RFC 6052 does not allow becomes the unspecified address.
 */
ADDRESS_INLINE struct address address_behind_nat64(
	const struct address *address, const struct address_range *prefixes)
{
	static const struct address_range well_known = {
		.address.bytes = { 0, 0x64, 0xff, 0x9b },
		.bits = 96,
	};
	struct address plain;
	__u32 bits = address_in_range(address, &well_known) ? 96 : 0;

#ifdef __bpf__
#pragma unroll
#endif
	for (unsigned i = 0; prefixes && i < NAT64_PREFIXES_MAX; i++)
		if (prefixes[i].bits && address_in_range(address, &prefixes[i]))
			bits = prefixes[i].bits;
	if (!bits)
		return *address;
	if (address->bytes[8])
		return (struct address){};
	address_from_ipv4(&plain, ADDRESS_WORD(address_embedded(address, bits)));
	return plain;
}

/*
 * The class of an address. An IPv4 address below a NAT64 prefix counts as itself, because a
 * network with DNS64 needs such addresses. Other embeddings are tunnels, and are refused.
 * `prefixes` as above.
 */
ADDRESS_INLINE enum address_class address_class(
	const struct address *address, const struct address_range *prefixes)
{
	const struct address plain = address_behind_nat64(address, prefixes);
	enum address_class class = address_look_up(&plain);

	if (class == ADDRESS_PUBLIC && address_is_isatap(&plain))
		return ADDRESS_RESERVED;
	return class;
}
