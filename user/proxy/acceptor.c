// SPDX-License-Identifier: BSD-2-Clause
/* See acceptor.h. */

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "proxy/acceptor.h"

#define REST  (100 * MILLISECOND)
#define BATCH 16

static void ready(struct source *source, uint32_t events)
{
	struct acceptor *acceptor = container_of(source, struct acceptor, source);

	(void)events;
	for (int i = 0; i < BATCH; i++) {
		struct sockaddr_storage client;
		socklen_t length = sizeof(client);
		int fd = accept4(source->fd, (struct sockaddr *)&client, &length,
			SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			acceptor->accepted(acceptor, fd, (struct sockaddr *)&client);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			errno == ENOBUFS) {
			loop_change(acceptor->loop, source, 0);
			loop_set_timer(acceptor->loop, &acceptor->rest, REST);
		}
		return;
	}
}

static void rested(struct timer *timer)
{
	struct acceptor *acceptor = container_of(timer, struct acceptor, rest);

	loop_change(acceptor->loop, &acceptor->source, EPOLLIN);
}

int acceptor_start(struct acceptor *acceptor, struct loop *loop, int fd)
{
	acceptor->source = (struct source){ .ready = ready, .fd = fd };
	acceptor->rest.expired = rested;
	acceptor->loop = loop;
	return loop_add(loop, &acceptor->source, EPOLLIN);
}
