// SPDX-License-Identifier: GPL-2.0-only
/*
 * The node's map of connections: under the client's own address, what a connection to the proxy
 * was meant to reach. Written before the first packet leaves, removed with the socket, so that the
 * proxy can tell a connection that came through the fence from one that did not.
 */

#include "decide.bpf.h"

static __always_inline void connection_key(
	struct connection_key *key, const struct bpf_sock_ops *context, __u64 job_id)
{
	__u32 ip4 = context->local_ip4;

	/* Read in any case: a choice between two fields of the context would become one read at
	 * a computed place, which the verifier refuses. */
	barrier_var(ip4);
	__builtin_memset(key, 0, sizeof(*key));
	key->job = job_id;
	key->client.words[0] = context->local_ip6[0];
	key->client.words[1] = context->local_ip6[1];
	key->client.words[2] = context->local_ip6[2];
	key->client.words[3] = context->local_ip6[3];
	if (context->family == AF_INET)
		address_from_ip4(&key->client, ip4);
	key->client_port = bpf_htons(context->local_port);
	key->listener_port = bpf_htons(bpf_ntohl(context->remote_port));
}

static __always_inline void connection_opened(
	struct bpf_sock_ops *context, struct job_state *job_state)
{
	struct job_counters *counter = bpf_get_local_storage(&counters, 0);
	struct connection_entry connection = {};
	struct connection_key key;
	struct endpoint *wanted;
	__u64 *open = bpf_map_lookup_elem(&open_count, &job_state->id);

	if (!context->sk || !open)
		return;
	wanted = bpf_sk_storage_get(&destination, context->sk, NULL, 0);
	/* The limit was asked at connect(2), but fast open comes here with its first bytes, when others have come meanwhile: what
	 * has no entry the proxy closes. */
	if (!wanted || *open >= JOB_CONNECTIONS_MAX)
		return;
	connection.destination = *wanted;
	connection.cookie = bpf_get_socket_cookie(context);
	connection_key(&key, context, job_state->id);
	/* Without the call at its end the entry would outlive the socket. */
	if (bpf_sock_ops_cb_flags_set(context,
		    (int)context->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG))
		return;
	if (!bpf_map_update_elem(&connections, &key, &connection, BPF_NOEXIST))
		__sync_fetch_and_add(open, 1);
	else
		bpf_map_update_elem(&connections, &key, &connection, BPF_EXIST);
	counter->connections++;
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
	/* Never below none, should a repair have begun to count anew meanwhile. */
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
