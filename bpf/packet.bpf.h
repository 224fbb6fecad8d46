/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * The parser of the packet filters. A packet with a header of another form (options,
 * extension headers, fragments) is not parsed, and is refused. The filters run before
 * fragmentation and after reassembly, so honest datagrams of any size are whole here.
 */

#include "event.bpf.h"

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>

#include "jobfence/address.h"

#define IPV4_VERSION_IHL 0x45		   /* version 4, no options */
#define IPV4_FRAGMENT	 bpf_htons(0x3fff) /* more fragments, or an offset */

struct packet {
	__u16 family;
	__u16 protocol;
	struct endpoint source, destination;
};

/* Sets the ports, if the packet is plain TCP or UDP. Returns whether it is. */
static __always_inline bool packet_ports(struct packet *packet, const __be16 ports[2])
{
	if (packet->protocol != IPPROTO_TCP && packet->protocol != IPPROTO_UDP)
		return false;
	packet->source.port = ports[0];
	packet->destination.port = ports[1];
	return true;
}

/*
 * One call copies addresses and ports. A packet that ends before its ports is not whole,
 * and its addresses are read for the event only.
 */

static __always_inline bool packet_ip4(const struct __sk_buff *skb, struct packet *packet)
{
	struct {
		struct iphdr ip;
		__be16 ports[2];
	} header;
	bool whole = !bpf_skb_load_bytes(skb, 0, &header, sizeof(header));

	if (!whole && bpf_skb_load_bytes(skb, 0, &header.ip, sizeof(header.ip)))
		return false;
	packet->family = AF_INET;
	packet->protocol = header.ip.protocol;
	address_from_ipv4(&packet->source.address, header.ip.saddr);
	address_from_ipv4(&packet->destination.address, header.ip.daddr);
	return whole && *(__u8 *)&header == IPV4_VERSION_IHL &&
	       !(header.ip.frag_off & IPV4_FRAGMENT) && packet_ports(packet, header.ports);
}

static __always_inline bool packet_ip6(const struct __sk_buff *skb, struct packet *packet)
{
	struct {
		struct ipv6hdr ip;
		__be16 ports[2];
	} header;
	bool whole = !bpf_skb_load_bytes(skb, 0, &header, sizeof(header));

	if (!whole && bpf_skb_load_bytes(skb, 0, &header.ip, sizeof(header.ip)))
		return false;
	packet->family = AF_INET6;
	packet->protocol = header.ip.nexthdr;
	__builtin_memcpy(&packet->source.address, &header.ip.saddr, sizeof(struct address));
	__builtin_memcpy(
		&packet->destination.address, &header.ip.daddr, sizeof(struct address));
	return whole && packet_ports(packet, header.ports);
}

/* Length of the network header in bytes. */
static __always_inline __u32 packet_network_header(const struct packet *packet)
{
	return packet->family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

/*
 * Reads a packet. Returns false if it is not whole, plain TCP or UDP. Then only the
 * fields that could be read are set, for the event.
 */
static __always_inline bool packet_parse(const struct __sk_buff *skb, struct packet *packet)
{
	__builtin_memset(packet, 0, sizeof(*packet));
	if (skb->protocol == bpf_htons(ETH_P_IP))
		return packet_ip4(skb, packet);
	return skb->protocol == bpf_htons(ETH_P_IPV6) && packet_ip6(skb, packet);
}

/* Whether an end of a packet is one of the proxy's listeners, `tcp` or `dns`. */
static __always_inline bool is_listener(const struct packet *packet,
	const struct endpoint *end, const struct endpoint *tcp, const struct endpoint *dns)
{
	if (!end->port)
		return false;
	return endpoint_equal(end, dns) ||
	       (packet->protocol == IPPROTO_TCP && endpoint_equal(end, tcp));
}

static __always_inline void refuse_packet(__u64 job_id, struct event_budget *budget,
	const struct packet *packet, enum reason reason, enum hook hook)
{
	refuse_anywhere(job_id, budget, reason, hook, packet->family, packet->protocol,
		hook == HOOK_INGRESS ? &packet->source : &packet->destination);
}
