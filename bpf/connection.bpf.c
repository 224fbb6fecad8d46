// SPDX-License-Identifier: GPL-2.0-only
/*
 * The node's map of connections. Its key is the client's own address, its value the
 * destination that the client asked for, and its process. An entry is written before the
 * first packet leaves, and removed with the socket. So the proxy knows which connections
 * came through the fence, and closes others.
 */

#include "event.bpf.h"

#include <linux/in.h>

#include <bpf/bpf_endian.h>

#include "jobfence/address.h"

static __always_inline void connection_key(
	struct connection_key *key, const struct bpf_sock_ops *context, __u64 job_id)
{
	__u32 ip4 = context->local_ip4;

	/*
	 * Read it for both families. A choice between two fields of the context would
	 * become one read at a computed offset, which the verifier refuses.
	 */
	barrier_var(ip4);
	__builtin_memset(key, 0, sizeof(*key));
	key->job = job_id;
	key->client.words[0] = context->local_ip6[0];
	key->client.words[1] = context->local_ip6[1];
	key->client.words[2] = context->local_ip6[2];
	key->client.words[3] = context->local_ip6[3];
	if (context->family == AF_INET)
		address_from_ipv4(&key->client, ip4);
	key->client_port = bpf_htons(context->local_port);
	key->listener_port = bpf_htons(bpf_ntohl(context->remote_port));
}

/* Writes the entry of a redirected connection. Returns whether the connection has one. */
static __always_inline bool connection_add(struct bpf_sock_ops *context,
	const struct job_state *job_state, const struct origin *wanted)
{
	struct connection_entry connection = {};
	struct connection_key key;
	__u64 *open = bpf_map_lookup_elem(&open_count, &job_state->id);

	/*
	 * connect(2) checked the limit. A Fast Open socket comes here with its first
	 * send, and others may have filled the limit by then.
	 */
	if (!open || *open >= JOB_CONNECTIONS_MAX)
		return false;
	connection.origin = *wanted;
	connection.cookie = bpf_get_socket_cookie(context);
	connection_key(&key, context, job_state->id);
	/* Without the callback at its end, the entry would outlive the socket. */
	if (bpf_sock_ops_cb_flags_set(context,
		    (int)context->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG))
		return false;
	if (!bpf_map_update_elem(&connections, &key, &connection, BPF_NOEXIST)) {
		__sync_fetch_and_add(open, 1);
		return true;
	}
	return !bpf_map_update_elem(&connections, &key, &connection, BPF_EXIST);
}

static __always_inline void connection_opened(
	struct bpf_sock_ops *context, struct job_state *job_state)
{
	struct job_counters *counter = bpf_get_local_storage(&counters, 0);
	struct origin *wanted;

	if (!context->sk)
		return;
	wanted = bpf_sk_storage_get(&origins, context->sk, NULL, 0);
	if (!wanted)
		return;
	if (connection_add(context, job_state, wanted)) {
		count(&counter->connections);
		return;
	}
	count(&counter->unmatched);
	refuse_anywhere(job_state->id, &job_state->budget, REASON_LIMIT, HOOK_CONNECT,
		context->family, IPPROTO_TCP, &wanted->destination);
}

static __always_inline void connection_closed(
	struct bpf_sock_ops *context, struct job_state *job_state)
{
	struct connection_entry *connection;
	struct connection_key key;
	__u64 *open;

	connection_key(&key, context, job_state->id);
	connection = bpf_map_lookup_elem(&connections, &key);
	if (!connection || connection->cookie != bpf_get_socket_cookie(context) ||
		bpf_map_delete_elem(&connections, &key))
		return;
	open = bpf_map_lookup_elem(&open_count, &job_state->id);
	/* Never below 0: a repair may have begun to count anew. */
	if (open && *open)
		__sync_fetch_and_add(open, -1);
}

SEC("sockops")
int sock_ops(struct bpf_sock_ops *context)
{
	struct job_state *job_state = bpf_get_local_storage(&job, 0);

	if (context->op == BPF_SOCK_OPS_TCP_CONNECT_CB)
		connection_opened(context, job_state);
	else if (context->op == BPF_SOCK_OPS_STATE_CB && context->args[1] == BPF_TCP_CLOSE)
		connection_closed(context, job_state);
	return PROGRAM_ALLOW;
}
