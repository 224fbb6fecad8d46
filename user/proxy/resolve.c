// SPDX-License-Identifier: BSD-2-Clause
/*
 * c-ares tells which of its sockets it waits for, we watch them in the loop and tell it what is ready.
 *
 * A look-up and c-ares' query point at each other: c-ares can't give up a single query, so a cancelled look-up leaves
 * its query behind, which then ends in silence. Results are handed on from the loop, never from within a call of the
 * look-up's owner.
 */

#include <ares.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/time.h>

#include "lib/cleanup.h"
#include "names/address.h"
#include "proxy/guard.h"
#include "proxy/resolve.h"

#define TRY_PATIENCE 2000   /* ms for the first try of each server */
#ifdef ARES_OPT_QUERY_CACHE /* and ARES_OPT_MAXTIMEOUTMS, which came before */
/* c-ares 1.34 begins with 250 ms where a server was fast so far, and doubles that: so there are more tries, of which none is longer. And it
 * would keep answers for an hour, as many as a job can ask for. */
#define TRIES	      5
#define NEWER_OPTIONS (ARES_OPT_QUERY_CACHE | ARES_OPT_MAXTIMEOUTMS)
#else
#define TRIES	      2
#define NEWER_OPTIONS 0
#endif

/* At once, one for each connection that there may be: c-ares keeps those of connections that have gone until they end. */
#define QUERIES_MAX JOB_CONNECTIONS_MAX

/* A socket of c-ares. */
struct channel_socket {
	struct source source;
	struct resolver *resolver;
	struct deferred release;
	struct channel_socket *next;
};

struct query {
	struct lookup *lookup; /* NULL: cancelled */
	struct resolver *resolver;
};

struct resolver {
	struct loop *loop;
	struct guard *guard;
	ares_channel channel;
	struct timer timer;
	struct channel_socket *sockets;
	unsigned queries;
};

static void lookup_end(struct lookup *lookup, int status)
{
	lookup->status = status;
	lookup->query = NULL;
	loop_defer(lookup->resolver->loop, &lookup->deferred);
}

static void lookup_deferred(struct deferred *deferred)
{
	struct lookup *lookup = container_of(deferred, struct lookup, deferred);

	if (!lookup->resolver)
		return;
	lookup->resolver = NULL;
	lookup->done(lookup, lookup->status);
}

/* c-ares wants to be called when the nearest of its deadlines is due. */
static void set_timer(struct resolver *resolver)
{
	struct timeval wait;

	if (ares_timeout(resolver->channel, NULL, &wait))
		loop_set_timer(resolver->loop, &resolver->timer,
			(uint64_t)wait.tv_sec * 1000000000ULL +
				(uint64_t)wait.tv_usec * 1000);
	else
		loop_cancel_timer(resolver->loop, &resolver->timer);
}

static void timer_expired(struct timer *timer)
{
	struct resolver *resolver = container_of(timer, struct resolver, timer);

	ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_timer(resolver);
}

static void socket_ready(struct source *source, uint32_t events)
{
	struct channel_socket *socket = container_of(source, struct channel_socket, source);
	struct resolver *resolver = socket->resolver;
	bool readable = events & (EPOLLIN | EPOLLERR | EPOLLHUP);

	ares_process_fd(resolver->channel, readable ? source->fd : ARES_SOCKET_BAD,
		(events & EPOLLOUT) ? source->fd : ARES_SOCKET_BAD);
	set_timer(resolver);
}

static void socket_release(struct deferred *deferred)
{
	free(container_of(deferred, struct channel_socket, release));
}

static void socket_forget(struct resolver *resolver, struct channel_socket **place)
{
	struct channel_socket *socket = *place;

	*place = socket->next;
	loop_remove(resolver->loop, &socket->source);
	loop_defer(resolver->loop, &socket->release);
}

static void socket_watch(struct resolver *resolver, int fd, uint32_t events)
{
	struct channel_socket *socket = calloc(1, sizeof(*socket));

	/* Without it the query ends by its time-out. */
	if (!socket)
		return;
	socket->resolver = resolver;
	socket->source = (struct source){ .ready = socket_ready, .fd = fd };
	socket->release.run = socket_release;
	if (loop_add(resolver->loop, &socket->source, events)) {
		free(socket);
		return;
	}
	socket->next = resolver->sockets;
	resolver->sockets = socket;
}

static void socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
	struct resolver *resolver = data;
	uint32_t events = (readable ? EPOLLIN : 0U) | (writable ? EPOLLOUT : 0U);
	struct channel_socket **place = &resolver->sockets;

	while (*place && (*place)->source.fd != fd)
		place = &(*place)->next;
	if (*place && events)
		loop_change(resolver->loop, &(*place)->source, events);
	else if (*place)
		socket_forget(resolver, place);
	else if (events)
		socket_watch(resolver, fd, events);
}

/* c-ares has read /etc/resolv.conf by itself, but says nothing where that failed, and the kernel lets only those through
 * that the loader read. */
static int set_servers(ares_channel channel, const struct endpoint resolvers[RESOLVERS_MAX])
{
	struct ares_addr_port_node nodes[RESOLVERS_MAX] = {}, *first = NULL;

	for (size_t i = RESOLVERS_MAX; i--;) {
		const struct address *address = &resolvers[i].address;
		int port = ntohs(resolvers[i].port);

		if (!port)
			continue;
		nodes[i].next = first;
		nodes[i].udp_port = nodes[i].tcp_port = port;
		if (address_is_ipv4(address)) {
			nodes[i].family = AF_INET;
			nodes[i].addr.addr4.s_addr = address->words[3];
		} else {
			nodes[i].family = AF_INET6;
			memcpy(&nodes[i].addr.addr6, address->bytes,
				sizeof(address->bytes));
		}
		first = &nodes[i];
	}
	return ares_set_servers_ports(channel, first) ? -ENOMEM : 0;
}

int resolver_new(struct loop *loop, const struct proxy_settings *settings,
	struct resolver **resolver)
{
	struct resolver *new = calloc(1, sizeof(*new));
	struct ares_options options = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
		.timeout = TRY_PATIENCE,
		.tries = TRIES,
#ifdef ARES_OPT_QUERY_CACHE
		.maxtimeout = TRY_PATIENCE,
		.qcache_max_ttl = 0,
#endif
		.lookups = (char *)"fb", /* /etc/hosts, then servers */
		.sock_state_cb = socket_state,
		.sock_state_cb_data = new,
	};
	int error = new ? guard_new(settings, &new->guard) : -ENOMEM;

	if (!error && (ares_library_init(ARES_LIB_INIT_ALL) ||
			      ares_init_options(&new->channel, &options,
				      ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
					      NEWER_OPTIONS | ARES_OPT_LOOKUPS |
					      ARES_OPT_SOCK_STATE_CB | ARES_OPT_DOMAINS) ||
			      set_servers(new->channel, settings->resolvers)))
		error = -ENOMEM;
	if (error) {
		if (new) {
			ares_destroy(new->channel);
			guard_free(new->guard);
		}
		free(new);
		return error;
	}
	new->loop = loop;
	new->timer.expired = timer_expired;
	*resolver = new;
	return 0;
}

void resolver_free(struct resolver *resolver)
{
	if (!resolver)
		return;
	ares_destroy(resolver->channel);
	ares_library_cleanup();
	loop_cancel_timer(resolver->loop, &resolver->timer);
	guard_free(resolver->guard);
	free(resolver);
}

/* Adds an address, once. Returns 0, or -EACCES where the guard refuses it. */
static int add_address(
	struct resolver *resolver, struct lookup *lookup, const struct address *address)
{
	for (size_t i = 0; i < lookup->count; i++)
		if (!memcmp(&lookup->addresses[i], address, sizeof(*address)))
			return 0;
	if (!guard_allows(resolver->guard, address)) {
		lookup->addresses[0] = *address;
		lookup->count = 1;
		return -EACCES;
	}
	if (lookup->count < RESOLVED_MAX)
		lookup->addresses[lookup->count++] = *address;
	return 0;
}

static const struct ares_addrinfo_node *first_of(
	const struct ares_addrinfo_node *node, int family)
{
	while (node && node->ai_family != family)
		node = node->ai_next;
	return node;
}

/* The families take turns (RFC 8305 section 4), so that one which leads nowhere costs one try. IPv4 begins: more nodes have
 * IPv6 in name only than the other way round. */
static int add_answers(struct resolver *resolver, struct lookup *lookup,
	const struct ares_addrinfo_node *nodes)
{
	const struct ares_addrinfo_node *next[] = { first_of(nodes, AF_INET),
		first_of(nodes, AF_INET6) };

	for (size_t turn = 0; next[0] || next[1]; turn = !turn) {
		const struct ares_addrinfo_node *node = next[turn];
		struct endpoint endpoint;
		int error;

		if (!node)
			continue;
		next[turn] = first_of(node->ai_next, node->ai_family);
		error = endpoint_from_socket(node->ai_addr, &endpoint);
		if (!error)
			error = add_address(resolver, lookup, &endpoint.address);
		if (error)
			return error;
	}
	return lookup->count ? 0 : -ENOENT;
}

static int status_to_error(int status)
{
	switch (status) {
	case ARES_ENOTFOUND:
	case ARES_ENODATA:
	case ARES_EBADNAME:
		return -ENOENT;
	case ARES_ETIMEOUT:
		return -ETIMEDOUT;
	default:
		return -EHOSTUNREACH;
	}
}

static void query_done(void *data, int status, int timeouts, struct ares_addrinfo *answers)
{
	struct query *query = data;
	struct lookup *lookup = query->lookup;

	(void)timeouts;
	if (lookup)
		lookup_end(lookup, status == ARES_SUCCESS ? add_answers(query->resolver,
								    lookup, answers->nodes)
							  : status_to_error(status));
	if (answers)
		ares_freeaddrinfo(answers);
	query->resolver->queries--;
	free(query);
}

void resolver_look_up(
	struct resolver *resolver, const struct host *host, struct lookup *lookup)
{
	/* Not sorted: for that c-ares would connect a socket to each address. */
	const struct ares_addrinfo_hints hints = { .ai_flags = ARES_AI_NOSORT,
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM };
	struct query *query;

	lookup->resolver = resolver;
	lookup->deferred.run = lookup_deferred;
	lookup->count = 0;
	lookup->query = NULL;
	if (host->literal) {
		lookup_end(lookup, add_address(resolver, lookup, &host->address));
		return;
	}
	if (resolver->queries >= QUERIES_MAX) {
		lookup_end(lookup, -EBUSY);
		return;
	}
	query = calloc(1, sizeof(*query));
	if (!query) {
		lookup_end(lookup, -EHOSTUNREACH);
		return;
	}
	resolver->queries++;
	query->lookup = lookup;
	query->resolver = resolver;
	lookup->query = query;
	ares_getaddrinfo(resolver->channel, host->name, NULL, &hints, query_done, query);
	set_timer(resolver);
}

void lookup_cancel(struct lookup *lookup)
{
	struct query *query = lookup->query;

	if (query)
		query->lookup = NULL;
	lookup->query = NULL;
	lookup->resolver = NULL;
}
