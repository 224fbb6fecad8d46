// SPDX-License-Identifier: BSD-2-Clause
/* See listener.h. What did not come through the fence is closed before a byte of it is read. */

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "names/address.h"
#include "proxy/listener.h"

#define PAUSE 100000000ULL /* ns, when there are no descriptors left */
#define BATCH 16

struct door {
	struct source source;
	struct listener *listener;
	struct endpoint endpoint;
};

struct listener {
	struct proxy *proxy;
	struct door doors[2];
	int count;
	struct timer timer;
};

/* Returns whether there is a connection now, which owns the descriptor. */
static bool admit(struct door *door, int fd, const struct endpoint *client)
{
	static const char name[] = "connections";
	struct proxy *proxy = door->listener->proxy;
	struct endpoint destination;

	if (proxy->connections >= proxy->settings->max_connections) {
		rules_record_refusal(proxy->rules, REASON_LIMIT, name, sizeof(name) - 1);
		return false;
	}
	return !rules_destination(
		       proxy->rules, client, door->endpoint.port, &destination) &&
	       !connection_new(proxy, fd, &destination);
}

static void pause_accepting(struct listener *listener)
{
	for (int i = 0; i < listener->count; i++)
		loop_change(listener->proxy->loop, &listener->doors[i].source, 0);
	loop_set_timer(listener->proxy->loop, &listener->timer, PAUSE);
}

static void go_on_accepting(struct timer *timer)
{
	struct listener *listener = container_of(timer, struct listener, timer);

	for (int i = 0; i < listener->count; i++)
		loop_change(listener->proxy->loop, &listener->doors[i].source, EPOLLIN);
}

static void ready(struct source *source, uint32_t events)
{
	struct door *door = container_of(source, struct door, source);

	(void)events;
	for (int i = 0; i < BATCH; i++) {
		struct sockaddr_storage address;
		socklen_t length = sizeof(address);
		struct endpoint client;
		int fd = accept4(source->fd, (struct sockaddr *)&address, &length,
			SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
				errno == ENOBUFS)
				pause_accepting(door->listener);
			return;
		}
		if (endpoint_from_socket((struct sockaddr *)&address, &client) ||
			!admit(door, fd, &client))
			close(fd);
	}
}

static int add_door(struct listener *listener, int fd)
{
	struct door *door = &listener->doors[listener->count];
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	if (!proxy_fd_given(fd))
		return 0;
	if (getsockname(fd, (struct sockaddr *)&address, &length))
		return -errno;
	if (endpoint_from_socket((struct sockaddr *)&address, &door->endpoint))
		return -EAFNOSUPPORT;
	door->listener = listener;
	door->source = (struct source){ .ready = ready, .fd = fd };
	listener->count++;
	return loop_add(listener->proxy->loop, &door->source, EPOLLIN);
}

int listener_new(struct proxy *proxy, struct listener **listener)
{
	_free_ struct listener *new = calloc(1, sizeof(*new));
	int error;

	if (!new)
		return -ENOMEM;
	new->proxy = proxy;
	new->timer.expired = go_on_accepting;
	error = add_door(new, FD_LISTENER4);
	if (!error)
		error = add_door(new, FD_LISTENER6);
	if (error)
		return error;
	*listener = TAKE_POINTER(new);
	return 0;
}

void listener_free(struct listener *listener)
{
	if (!listener)
		return;
	for (int i = 0; i < listener->count; i++)
		loop_remove(listener->proxy->loop, &listener->doors[i].source);
	loop_cancel_timer(listener->proxy->loop, &listener->timer);
	free(listener);
}
