// SPDX-License-Identifier: BSD-2-Clause
/*
 * See dial.h. The addresses were checked when they were resolved. So they are dialled as
 * they are.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "names/address.h"
#include "proxy/closing.h"
#include "proxy/dial.h"
#include "proxy/window.h"

#define PATIENCE     (28 * SECOND) /* for all addresses of a site */
#define TRY_PATIENCE (10 * SECOND) /* for one at most */

/* Returns 0 if the try is under way or connected, or -errno. */
static int try_address(struct dial *dial, const struct address *address)
{
	const struct endpoint endpoint = { .address = *address, .port = htons(dial->port) };
	struct sockaddr_storage socket_address;
	socklen_t length = endpoint_to_socket(&endpoint, &socket_address);
	_fd_ int fd = socket(
		socket_address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const uint64_t share = PATIENCE / (uint64_t)dial->lookup.count;
	const int on = 1;
	int error;

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	closing_prepare(fd);
	if (dial->window)
		window_limit_unconnected(fd, dial->window);
	/*
	 * EPERM comes from the programs on the proxy's cgroup, which refused the address.
	 */
	if (connect(fd, (struct sockaddr *)&socket_address, length) && errno != EINPROGRESS)
		return errno == EPERM ? -EACCES : -errno;
	error = peer_open(dial->peer, dial->loop, fd, false, dial->ready);
	if (error)
		return error;
	TAKE_FD(fd);
	pacer_charge_dial(dial->pacer, dial->peer);
	loop_set_timer(
		dial->loop, &dial->timer, share < TRY_PATIENCE ? share : TRY_PATIENCE);
	return 0;
}

/* Returns 0 if a try is under way or in line, or the status of the last try. */
static int try_next(struct dial *dial)
{
	while (dial->next < dial->lookup.count) {
		if (!pacer_ask(dial->pacer, DIALS, &dial->turn, 1))
			return 0;
		dial->status = try_address(dial, &dial->lookup.addresses[dial->next++]);
		if (!dial->status)
			return 0;
	}
	return dial->status;
}

static void end(struct dial *dial, int status)
{
	dial->peer = NULL;
	dial->status = status;
	dial->ended = true;
	dial->done(dial);
}

static void go_on(struct dial *dial)
{
	int status = try_next(dial);

	if (status)
		end(dial, status);
}

static void turn(struct waiter *waiter)
{
	go_on(container_of(waiter, struct dial, turn));
	pacer_end_turn(waiter);
}

static void give_up_address(struct dial *dial, int status)
{
	dial->status = status;
	loop_cancel_timer(dial->loop, &dial->timer);
	pacer_charge_failed_dial(dial->pacer, dial->peer);
	peer_close(dial->peer);
	dial->peer->connecting = false;
	go_on(dial);
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
	if (error) {
		give_up_address(dial, -error);
		return;
	}
	loop_cancel_timer(dial->loop, &dial->timer);
	dial->peer->connecting = false;
	dial->peer->writable = true;
	end(dial, 0);
}

bool dial_has_ended(struct dial *dial, int *status)
{
	bool ended = dial->ended;

	*status = dial->status;
	dial->ended = false;
	return ended;
}

void dial_connect(struct dial *dial, struct pacer *pacer, uint16_t port, size_t window,
	struct peer *peer, void (*ready)(struct source *source, uint32_t events))
{
	dial->peer = peer;
	dial->pacer = pacer;
	dial->turn.ready = turn;
	dial->port = port;
	dial->window = window;
	dial->ready = ready;
	dial->next = 0;
	dial->ended = false;
	dial->status = -EHOSTUNREACH;
	go_on(dial);
}

static void looked_up(struct lookup *lookup, int status)
{
	end(container_of(lookup, struct dial, lookup), status);
}

void dial_resolve(struct dial *dial, struct loop *loop, struct resolver *resolver,
	const struct host *host)
{
	dial->loop = loop;
	dial->timer.expired = expired;
	dial->lookup.done = looked_up;
	dial->next = 0;
	dial->ended = false;
	resolver_look_up(resolver, host, &dial->lookup);
}

void dial_prefer(struct dial *dial, size_t index)
{
	struct address *addresses = dial->lookup.addresses, preferred = addresses[index];

	memmove(addresses + 1, addresses, index * sizeof(preferred));
	addresses[0] = preferred;
}

void dial_recall(struct dial *dial, const struct address *address, int status)
{
	dial->lookup.addresses[0] = *address;
	dial->lookup.count = dial->next = 1;
	end(dial, status);
}

void dial_cancel(struct dial *dial)
{
	dial->ended = false;
	if (dial->lookup.resolver)
		lookup_cancel(&dial->lookup);
	if (!dial->peer)
		return;
	pacer_leave(&dial->turn);
	loop_cancel_timer(dial->loop, &dial->timer);
	peer_close(dial->peer);
	dial->peer->connecting = false;
	dial->peer = NULL;
}
