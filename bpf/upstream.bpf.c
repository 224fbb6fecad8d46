// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fence of the proxy itself, on its cgroup. The proxy may dial ports 80 and 443 of
 * public and allowed addresses, ask the node's resolvers, and answer the job. A hostile
 * site that took the proxy over gets no further than the job would.
 *
 * The pacer of the download is here too, because packets to the job leave through the
 * job's `lo`. So is a second check of the upload: a job can get past the first with a
 * packet socket in its own namespace, or with a rule of tc.
 */

#include "decide.bpf.h"
#include "pace.bpf.h"
#include "packet.bpf.h"
#include "sock_addr.bpf.h"
#include "socket.bpf.h"

static __always_inline bool is_resolver(
	const struct upstream_state *state, const struct endpoint *to)
{
	int i;

	for (i = 0; i < RESOLVERS_MAX; i++)
		if (state->resolvers[i].port && endpoint_equal(&state->resolvers[i], to))
			return true;
	return false;
}

static __always_inline bool is_allowed_range(
	const struct upstream_state *state, const struct address *address)
{
	__u32 i;

	for (i = 0; i < ALLOWED_RANGES_MAX; i++)
		if (i < state->allowed_count &&
			address_in_range(address, &state->allowed[i]))
			return true;
	return false;
}

/* Whether the proxy may dial `to`. */
static __always_inline bool may_dial(
	const struct upstream_state *state, const struct endpoint *to, __u32 protocol)
{
	if (state->network != NETWORK_HTTP)
		return false;
	if (protocol == IPPROTO_TCP && is_web_port(to->port) &&
		(address_class(&to->address, state->nat64) == ADDRESS_PUBLIC ||
			is_allowed_range(state, &to->address)))
		return true;
	return is_resolver(state, to);
}

static __always_inline int dial(struct bpf_sock_addr *context, const struct endpoint *to)
{
	struct upstream_state *state = bpf_get_local_storage(&upstream, 0);

	if (may_dial(state, to, context->protocol))
		return PROGRAM_ALLOW;
	refuse(state->job, &state->budget, REASON_UPSTREAM, HOOK_UPSTREAM, context->family,
		context->protocol, to);
	return PROGRAM_REFUSE;
}

SEC("cgroup/connect4")
int upstream_connect4(struct bpf_sock_addr *context)
{
	struct endpoint to;

	context4_endpoint(context, &to);
	return dial(context, &to);
}

SEC("cgroup/connect6")
int upstream_connect6(struct bpf_sock_addr *context)
{
	struct endpoint to;

	context6_endpoint(context, &to);
	return dial(context, &to);
}

/* A datagram from the stub's own socket goes to the job, whatever its destination is. */

SEC("cgroup/sendmsg4")
int upstream_sendmsg4(struct bpf_sock_addr *context)
{
	struct upstream_state *state = bpf_get_local_storage(&upstream, 0);
	struct endpoint to;

	if (context->sk && context->sk->src_port == bpf_ntohs(state->dns4.port) &&
		context->sk->src_ip4 == state->dns4.address.words[3])
		return PROGRAM_ALLOW;
	context4_endpoint(context, &to);
	return dial(context, &to);
}

SEC("cgroup/sendmsg6")
int upstream_sendmsg6(struct bpf_sock_addr *context)
{
	struct upstream_state *state = bpf_get_local_storage(&upstream, 0);
	struct endpoint to;

	if (context->sk && context->sk->src_port == bpf_ntohs(state->dns6.port) &&
		context->sk->src_ip6[0] == state->dns6.address.words[0] &&
		context->sk->src_ip6[1] == state->dns6.address.words[1] &&
		context->sk->src_ip6[2] == state->dns6.address.words[2] &&
		context->sk->src_ip6[3] == state->dns6.address.words[3])
		return PROGRAM_ALLOW;
	context6_endpoint(context, &to);
	return dial(context, &to);
}

SEC("cgroup/sock_create")
int upstream_sock(struct bpf_sock *context)
{
	struct upstream_state *state = bpf_get_local_storage(&upstream, 0);

	if (is_plain_socket(context->type, context->protocol))
		return PROGRAM_ALLOW;
	refuse(state->job, &state->budget, REASON_SOCKET, HOOK_UPSTREAM, context->family,
		context->protocol, NULL);
	return PROGRAM_REFUSE;
}

static __always_inline bool is_from_job(
	const struct upstream_state *state, const struct packet *packet)
{
	return is_listener(packet, &packet->destination, &state->proxy4, &state->dns4) ||
	       is_listener(packet, &packet->destination, &state->proxy6, &state->dns6);
}

static __always_inline bool is_to_job(
	const struct upstream_state *state, const struct packet *packet)
{
	return is_listener(packet, &packet->source, &state->proxy4, &state->dns4) ||
	       is_listener(packet, &packet->source, &state->proxy6, &state->dns6);
}

/*
 * A packet over `lo` of the node's namespace goes to the node itself. It has to go to a
 * resolver, or to an address that was allowed by name.
 */
static __always_inline bool may_leave(const struct __sk_buff *skb,
	const struct upstream_state *state, const struct packet *packet)
{
	if (!may_dial(state, &packet->destination, packet->protocol))
		return false;
	return skb->ifindex != LOOPBACK_IFINDEX ||
	       is_resolver(state, &packet->destination) ||
	       is_allowed_range(state, &packet->destination.address);
}

SEC("cgroup_skb/egress")
int upstream_egress(struct __sk_buff *skb)
{
	struct upstream_state *state = bpf_get_local_storage(&upstream, 0);
	enum reason reason = REASON_PACKET;
	struct packet packet;
	bool whole = packet_parse(skb, &packet);

	/*
	 * Packets to the job leave over `lo` only. On a device that the job made, nothing
	 * would hold them back.
	 */
	if (whole && is_to_job(state, &packet)) {
		if (skb->ifindex == LOOPBACK_IFINDEX) {
			if (pace(skb, &packet, state->rate, &state->departure,
				    &state->overtaking))
				return PROGRAM_ALLOW;
			reason = REASON_HORIZON;
		}
	} else if (whole && may_leave(skb, state, &packet)) {
		return PROGRAM_ALLOW;
	}
	refuse_packet(state->job, &state->budget, &packet, reason, HOOK_UPSTREAM);
	return PROGRAM_REFUSE;
}

SEC("cgroup_skb/ingress")
int upstream_ingress(struct __sk_buff *skb)
{
	struct upstream_state *state = bpf_get_local_storage(&upstream, 0);
	struct packet packet;

	if (!state->rate || !packet_parse(skb, &packet) || !is_from_job(state, &packet) ||
		pace_arrived(skb, &packet, state->rate, &state->arrival))
		return PROGRAM_ALLOW;
	refuse_packet(state->job, &state->budget, &packet, REASON_HORIZON, HOOK_UPSTREAM);
	return PROGRAM_REFUSE;
}
