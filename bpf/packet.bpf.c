// SPDX-License-Identifier: GPL-2.0-only
/*
 * The second lock on a job. Whatever the hooks on sockets decided, a packet leaves only
 * over `lo`, from an address that belongs there. It goes to the job's own proxy or, in a
 * namespace of the job's own, to the job itself. Sockets from before the other hooks were
 * attached are caught here.
 */

#include "pace.bpf.h"
#include "packet.bpf.h"

/* `peer` is the far end of the packet. */
static __always_inline bool is_own_loopback(const struct job_state *job_state,
	const struct packet *packet, const struct endpoint *peer)
{
	return job_state->flags & JOB_OWN_NETNS && address_is_loopback(&peer->address) &&
	       (packet->protocol == IPPROTO_TCP || packet->protocol == IPPROTO_UDP);
}

static __always_inline bool is_own_listener(const struct job_state *job_state,
	const struct packet *packet, const struct endpoint *peer)
{
	return job_state->network == NETWORK_HTTP &&
	       (is_listener(packet, peer, &job_state->proxy4, &job_state->dns4) ||
		       is_listener(packet, peer, &job_state->proxy6, &job_state->dns6));
}

/*
 * A process may bind any IPv6 address (IPV6_FREEBIND needs no right). The kernel would
 * answer a packet from such an address with a reset or an ICMP message, which quotes the
 * packet. It sends the answer from a socket of its own, which no program sees. So refuse
 * foreign sources.
 */
static __always_inline bool is_own_source(
	const struct job_state *job_state, const struct address *source)
{
	return address_is_loopback(source) ||
	       address_equal(source, &job_state->proxy4.address) ||
	       address_equal(source, &job_state->proxy6.address);
}

/*
 * decide() lets a datagram socket connect to the proxy's address. Its packets are
 * refused as datagrams.
 */
static __always_inline enum reason refusal_of(const struct packet *packet)
{
	return packet->protocol == IPPROTO_UDP &&
			       address_is_virtual(&packet->destination.address)
		       ? REASON_DATAGRAM
		       : REASON_PACKET;
}

SEC("cgroup_skb/egress")
int egress(struct __sk_buff *skb)
{
	struct job_state *job_state = bpf_get_local_storage(&job, 0);
	struct packet packet;
	enum reason reason;
	bool whole;

	if (job_state->network == NETWORK_FULL)
		return PROGRAM_ALLOW;
	whole = packet_parse(skb, &packet);
	reason = refusal_of(&packet);
	if (whole && skb->ifindex == LOOPBACK_IFINDEX &&
		is_own_source(job_state, &packet.source.address)) {
		if (is_own_loopback(job_state, &packet, &packet.destination))
			return PROGRAM_ALLOW;
		if (is_own_listener(job_state, &packet, &packet.destination)) {
			if (pace(skb, &packet, job_state->rate, &job_state->departure,
				    &job_state->overtaking))
				return PROGRAM_ALLOW;
			reason = REASON_HORIZON;
		}
	}
	refuse_packet(job_state->id, &job_state->budget, &packet, reason, HOOK_EGRESS);
	return PROGRAM_REFUSE;
}

SEC("cgroup_skb/ingress")
int ingress(struct __sk_buff *skb)
{
	struct job_state *job_state = bpf_get_local_storage(&job, 0);
	struct packet packet;

	if (job_state->network == NETWORK_FULL)
		return PROGRAM_ALLOW;
	if (packet_parse(skb, &packet) && skb->ifindex == LOOPBACK_IFINDEX &&
		(is_own_loopback(job_state, &packet, &packet.source) ||
			is_own_listener(job_state, &packet, &packet.source)))
		return PROGRAM_ALLOW;
	refuse_packet(
		job_state->id, &job_state->budget, &packet, REASON_PACKET, HOOK_INGRESS);
	return PROGRAM_REFUSE;
}
