// SPDX-License-Identifier: BSD-2-Clause
/* See dial.h. The addresses come out of the guard and are dialled as they are. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "lib/cleanup.h"
#include "names/address.h"
#include "proxy/dial.h"

#define TRY_PATIENCE 10000000000ULL /* ns for each address */

static void try_next(struct dial *dial);

static void end(struct dial *dial, int status)
{
	dial->running = false;
	loop_cancel_timer(dial->loop, &dial->timer);
	if (status)
		peer_close(dial->peer);
	dial->done(dial, status);
}

static void give_up_address(struct dial *dial, int status)
{
	dial->status = status;
	loop_cancel_timer(dial->loop, &dial->timer);
	peer_close(dial->peer);
	try_next(dial);
}

static void expired(struct timer *timer)
{
	give_up_address(container_of(timer, struct dial, timer), -ETIMEDOUT);
}

void dial_ready(struct dial *dial)
{
	socklen_t length = sizeof(int);
	int error = 0;

	if (getsockopt(dial->peer->source.fd, SOL_SOCKET, SO_ERROR, &error, &length))
		error = errno;
	if (error)
		give_up_address(dial, -error);
	else
		end(dial, 0);
}

/* Returns 0: under way or connected; or -errno. */
static int connect_to(struct dial *dial, const struct address *address)
{
	const struct endpoint endpoint = { .address = *address, .port = htons(dial->port) };
	struct sockaddr_storage socket_address;
	socklen_t length = endpoint_to_socket(&endpoint, &socket_address);
	_fd_ int fd = socket(
		socket_address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const int on = 1;
	int error;

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (struct sockaddr *)&socket_address, length) && errno != EINPROGRESS)
		return errno == EPERM ? -EACCES : -errno;
	error = peer_open(dial->peer, dial->loop, fd, dial->ready);
	if (error)
		return error;
	TAKE_FD(fd);
	dial->peer->writable = false;
	peer_watch(dial->peer, false);
	return 0;
}

static void try_next(struct dial *dial)
{
	while (dial->next < dial->lookup.count) {
		const struct address *address = &dial->lookup.addresses[dial->next++];
		int error = connect_to(dial, address);

		if (!error) {
			loop_set_timer(dial->loop, &dial->timer, TRY_PATIENCE);
			return;
		}
		dial->status = error;
		dial->refused = *address;
	}
	end(dial, dial->status);
}

static void looked_up(struct lookup *lookup, int status)
{
	struct dial *dial = container_of(lookup, struct dial, lookup);

	if (status) {
		dial->refused = lookup->addresses[0];
		end(dial, status);
		return;
	}
	dial->next = 0;
	dial->status = -EHOSTUNREACH;
	try_next(dial);
}

void dial_start(struct dial *dial, struct loop *loop, struct resolver *resolver,
	const struct host *host, uint16_t port, struct peer *peer,
	void (*ready)(struct source *source, uint32_t events))
{
	dial->loop = loop;
	dial->peer = peer;
	dial->port = port;
	dial->ready = ready;
	dial->running = true;
	dial->timer.expired = expired;
	dial->lookup.done = looked_up;
	resolver_look_up(resolver, host, &dial->lookup);
}

void dial_cancel(struct dial *dial)
{
	if (!dial->running)
		return;
	dial->running = false;
	lookup_cancel(&dial->lookup);
	loop_cancel_timer(dial->loop, &dial->timer);
}
