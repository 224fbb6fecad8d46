// SPDX-License-Identifier: BSD-2-Clause
/*
 * See nameserver.h. c-ares tells which of its sockets it waits for. The loop watches them,
 * and c-ares is told which ones are ready.
 */

#include <ares.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/time.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "names/address.h"
#include "proxy/closing.h"
#include "proxy/dns_message.h"
#include "proxy/nameserver.h"

#define TRY_PATIENCE 2000   /* ms for the first try */
#ifdef ARES_OPT_QUERY_CACHE /* and ARES_OPT_MAXTIMEOUTMS, which is older */
/*
 * c-ares 1.34 begins with 250 ms if a server was fast so far, and doubles that. So there
 * are more tries, each of TRY_PATIENCE at most. It would also keep answers for an hour, as
 * many as a job can ask for.
 */
#define TRIES	      5
#define NEWER_OPTIONS (ARES_OPT_QUERY_CACHE | ARES_OPT_MAXTIMEOUTMS)
#else
#define TRIES	      2
#define NEWER_OPTIONS 0
#endif

#define SILENCE	   (60 * SECOND) /* that a nameserver is remembered as silent */
#define LOG_PERIOD (60 * SECOND) /* from one line of the log to the next */
#define RECORD_MIN 15		 /* bytes of an address in an answer, at least */

/* A socket of c-ares. */
struct channel_socket {
	struct source source;
	struct nameserver *nameserver;
	struct deferred release;
	struct channel_socket *next;
};

struct nameserver {
	struct loop *loop;
	struct address address;
	ares_channel channel;
	struct timer timer;
	struct channel_socket *sockets;
	uint64_t heard[FAMILIES], silent_until[FAMILIES], logged_until; /* as loop_now() */
};

/* c-ares wants to be called when the nearest of its deadlines is due. */
static void set_timer(struct nameserver *nameserver)
{
	struct timeval wait;

	if (ares_timeout(nameserver->channel, NULL, &wait))
		loop_set_timer(nameserver->loop, &nameserver->timer,
			(uint64_t)wait.tv_sec * SECOND + (uint64_t)wait.tv_usec * 1000);
	else
		loop_cancel_timer(nameserver->loop, &nameserver->timer);
}

static void timer_expired(struct timer *timer)
{
	struct nameserver *nameserver = container_of(timer, struct nameserver, timer);

	ares_process_fd(nameserver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_timer(nameserver);
}

static void socket_ready(struct source *source, uint32_t events)
{
	struct channel_socket *socket = container_of(source, struct channel_socket, source);
	struct nameserver *nameserver = socket->nameserver;
	bool readable = events & (EPOLLIN | EPOLLERR | EPOLLHUP);

	ares_process_fd(nameserver->channel, readable ? source->fd : ARES_SOCKET_BAD,
		(events & EPOLLOUT) ? source->fd : ARES_SOCKET_BAD);
	set_timer(nameserver);
}

static void socket_release(struct deferred *deferred)
{
	free(container_of(deferred, struct channel_socket, release));
}

static void socket_forget(struct nameserver *nameserver, struct channel_socket **place)
{
	struct channel_socket *socket = *place;

	*place = socket->next;
	loop_remove(nameserver->loop, &socket->source);
	loop_defer(nameserver->loop, &socket->release);
}

static void socket_watch(struct nameserver *nameserver, int fd, uint32_t events)
{
	struct channel_socket *socket = calloc(1, sizeof(*socket));

	/* Without this memory the query ends by its time-out. */
	if (!socket)
		return;
	socket->nameserver = nameserver;
	socket->source = (struct source){ .ready = socket_ready, .fd = fd };
	socket->release.run = socket_release;
	if (loop_add(nameserver->loop, &socket->source, events)) {
		free(socket);
		return;
	}
	socket->next = nameserver->sockets;
	nameserver->sockets = socket;
}

static void socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
	struct nameserver *nameserver = data;
	uint32_t events = (readable ? EPOLLIN : 0U) | (writable ? EPOLLOUT : 0U);
	struct channel_socket **place = &nameserver->sockets;

	while (*place && (*place)->source.fd != fd)
		place = &(*place)->next;
	if (*place && events)
		loop_change(nameserver->loop, &(*place)->source, events);
	else if (*place)
		socket_forget(nameserver, place);
	else if (events)
		socket_watch(nameserver, fd, events);
}

/* c-ares closes a connection once it has the answers, before the server does. */
static int socket_configure(ares_socket_t fd, int type, void *data)
{
	(void)data;
	if (type == SOCK_STREAM)
		closing_prepare(fd);
	return 0;
}

/*
 * c-ares has read /etc/resolv.conf by itself, but does not say if that failed. The kernel
 * lets the proxy reach only the servers that the loader read. So give c-ares one of those.
 */
static int set_server(ares_channel channel, const struct endpoint *endpoint)
{
	const struct address *address = &endpoint->address;
	struct ares_addr_port_node node = { .family = AF_INET6 };

	node.udp_port = node.tcp_port = ntohs(endpoint->port);
	if (address_is_ipv4(address)) {
		node.family = AF_INET;
		node.addr.addr4.s_addr = address->words[3];
	} else {
		memcpy(&node.addr.addr6, address->bytes, sizeof(address->bytes));
	}
	return ares_set_servers_ports(channel, &node) ? -ENOMEM : 0;
}

int nameserver_new(
	struct loop *loop, const struct endpoint *endpoint, struct nameserver **nameserver)
{
	struct nameserver *new = calloc(1, sizeof(*new));
	struct ares_options options = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP,
		.timeout = TRY_PATIENCE,
		.tries = TRIES,
#ifdef ARES_OPT_QUERY_CACHE
		.maxtimeout = TRY_PATIENCE,
		.qcache_max_ttl = 0,
#endif
		.lookups = (char *)"b", /* servers alone: /etc/hosts is for hosts.c */
		.sock_state_cb = socket_state,
		.sock_state_cb_data = new,
	};

	if (!new)
		return -ENOMEM;
	new->loop = loop;
	new->address = endpoint->address;
	new->timer.expired = timer_expired;
	if (ares_library_init(ARES_LIB_INIT_ALL) ||
		ares_init_options(&new->channel, &options,
			ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
				NEWER_OPTIONS | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB |
				ARES_OPT_DOMAINS)) {
		free(new);
		return -EIO;
	}
	if (set_server(new->channel, endpoint)) {
		ares_destroy(new->channel);
		free(new);
		return -ENOMEM;
	}
	ares_set_socket_configure_callback(new->channel, socket_configure, NULL);
	*nameserver = new;
	return 0;
}

const struct address *nameserver_address(const struct nameserver *nameserver)
{
	return &nameserver->address;
}

static void add(struct found *found, const struct address *address, int seconds)
{
	/* A time with the highest bit is 0 (RFC 2181 section 8). */
	uint32_t most = seconds > 0 ? (uint32_t)seconds : 0;

	found->addresses[found->count++] = *address;
	if (found->seconds > most)
		found->seconds = most;
}

static int read_ipv4(const unsigned char *bytes, int length, struct found *found, int count)
{
	_free_ struct ares_addrttl *rows = calloc((size_t)count, sizeof(*rows));
	int status =
		rows ? ares_parse_a_reply(bytes, length, NULL, rows, &count) : ARES_ENOMEM;

	for (int i = 0; !status && i < count; i++) {
		struct address address;

		address_from_ipv4(&address, rows[i].ipaddr.s_addr);
		add(found, &address, rows[i].ttl);
	}
	return status;
}

static int read_ipv6(const unsigned char *bytes, int length, struct found *found, int count)
{
	_free_ struct ares_addr6ttl *rows = calloc((size_t)count, sizeof(*rows));
	int status = rows ? ares_parse_aaaa_reply(bytes, length, NULL, rows, &count)
			  : ARES_ENOMEM;

	for (int i = 0; !status && i < count; i++) {
		struct address address;

		memcpy(address.bytes, &rows[i].ip6addr, sizeof(address.bytes));
		add(found, &address, rows[i].ttl);
	}
	return status;
}

/* Reads an answer. Its addresses count until an alias on the way to them is over, too. */
static int read_answer(
	const struct ask *ask, const unsigned char *bytes, int length, struct found **found)
{
	int count = length / RECORD_MIN + 1, status;
	_free_ struct found *new =
		malloc(sizeof(*new) + (size_t)count * sizeof(new->addresses[0]));

	if (!new)
		return ARES_ENOMEM;
	*new = (struct found){ .seconds = UINT32_MAX };
	status = ask->family == IPV4 ? read_ipv4(bytes, length, new, count)
				     : read_ipv6(bytes, length, new, count);
	if (status == ARES_SUCCESS && !new->count)
		status = ARES_ENODATA;
	if (status == ARES_SUCCESS)
		*found = TAKE_POINTER(new);
	return status;
}

/* Reads for how long the nameserver's no is true. */
static int read_refusal(
	int status, const unsigned char *bytes, int length, struct found **found)
{
	struct found *new = calloc(1, sizeof(*new));

	if (!new)
		return ARES_ENOMEM;
	if (bytes)
		new->seconds = dns_negative_seconds(bytes, (size_t)length);
	*found = new;
	return status;
}

static void answered(void *data, int status, int timeouts, unsigned char *bytes, int length)
{
	struct ask *ask = data;
	struct found *found = NULL;

	(void)timeouts;
	if (status == ARES_SUCCESS)
		status = read_answer(ask, bytes, length, &found);
	if (status == ARES_ENOTFOUND || status == ARES_ENODATA)
		status = read_refusal(status, bytes, length, &found);
	ask->done(ask, status, found);
}

void nameserver_ask(struct ask *ask, const char *name)
{
	struct nameserver *nameserver = ask->nameserver;

	ares_query(nameserver->channel, name, ns_c_in,
		ask->family == IPV4 ? ns_t_a : ns_t_aaaa, answered, ask);
	set_timer(nameserver);
}

void nameserver_heard(struct nameserver *nameserver, enum family family)
{
	nameserver->heard[family] = loop_now(nameserver->loop);
}

bool nameserver_waited(struct nameserver *nameserver, enum family family, uint64_t since)
{
	if (nameserver->heard[family] >= since)
		return false;
	nameserver->silent_until[family] = loop_now(nameserver->loop) + SILENCE;
	return true;
}

bool nameserver_is_silent(const struct nameserver *nameserver, enum family family)
{
	return loop_now(nameserver->loop) < nameserver->silent_until[family];
}

void nameserver_log(struct nameserver *nameserver, const char *text, const char *name)
{
	uint64_t now = loop_now(nameserver->loop);
	char address[ADDRESS_TEXT_MAX];

	if (now < nameserver->logged_until)
		return;
	nameserver->logged_until = now + LOG_PERIOD;
	address_format(&nameserver->address, address);
	fprintf(stderr, "resolver %s: %s, for %s\n", address, text, name);
}
