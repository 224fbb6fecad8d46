// SPDX-License-Identifier: BSD-2-Clause
/*
 * See listener.h. A connection that did not come through the fence is closed before a byte
 * of it is read.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "names/address.h"
#include "proxy/acceptor.h"
#include "proxy/listener.h"
#include "proxy/report.h"
#include "proxy/window.h"

/* Bytes. Half of Linux's default for net.ipv4.tcp_rmem, since the kernel doubles it. */
#define WINDOW_USUAL 65536

struct listening {
	struct acceptor acceptor;
	struct proxy *proxy;
	struct endpoint endpoint;
	size_t window; /* bytes, of clients that are not accepted yet */
};

/*
 * A client may send before it is accepted. Connections that share a window let it send
 * little, or it would be ahead of the rate.
 */
static void limit_first(struct listening *listening)
{
	const struct proxy *proxy = listening->proxy;
	bool shares = window_size(rules_limits(proxy->rules)->rate, &proxy->relays.active,
		proxy->relays.open);
	size_t window = shares ? WINDOW_MIN : WINDOW_USUAL;

	if (listening->window != window)
		window_limit_unconnected(listening->acceptor.source.fd, window);
	listening->window = window;
}

/* Returns whether it made a connection, which owns the descriptor. */
static bool admit(struct listening *listening, int fd, const struct endpoint *client)
{
	static const char name[] = "connections";
	struct proxy *proxy = listening->proxy;
	struct origin origin;
	bool known = !rules_origin(proxy->rules, client, listening->endpoint.port, &origin);

	pool_make_room(&proxy->pool);
	if (proxy->relays.open >= proxy->settings->max_connections) {
		rules_record_refusal(proxy->rules, REASON_LIMIT, name, sizeof(name) - 1);
		report_refusal(HOOK_PROXY, REASON_LIMIT, name, sizeof(name) - 1, 0,
			known ? origin.pid : 0, known ? origin.comm : NULL);
		if (known)
			attempt_turn_away(proxy, &origin);
		return false;
	}
	return known && !connection_new(proxy, fd, &origin);
}

static void accepted(struct acceptor *acceptor, int fd, const struct sockaddr *address)
{
	struct listening *listening = container_of(acceptor, struct listening, acceptor);
	struct endpoint client;

	limit_first(listening);
	if (endpoint_from_socket(address, &client) || !admit(listening, fd, &client))
		close(fd);
}

static int listen_at(struct proxy *proxy, int fd)
{
	_free_ struct listening *listening = NULL;
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	int error;

	if (!proxy_fd_given(fd))
		return 0;
	listening = calloc(1, sizeof(*listening));
	if (!listening)
		return -ENOMEM;
	if (getsockname(fd, (struct sockaddr *)&address, &length))
		return -errno;
	if (endpoint_from_socket((struct sockaddr *)&address, &listening->endpoint))
		return -EAFNOSUPPORT;
	listening->proxy = proxy;
	listening->acceptor.accepted = accepted;
	error = acceptor_start(&listening->acceptor, proxy->loop, fd);
	if (error)
		return error;
	limit_first(listening);
	TAKE_POINTER(listening);
	return 0;
}

int listener_start(struct proxy *proxy)
{
	int error = listen_at(proxy, FD_LISTENER4);

	return error ? error : listen_at(proxy, FD_LISTENER6);
}
