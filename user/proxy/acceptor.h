/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * An acceptor is a listening socket in the loop. It takes connections as they come. Without
 * a free descriptor or memory it rests for 100 ms. Otherwise the socket would stay ready,
 * and the loop would spin.
 */

#include "proxy/loop.h"

struct sockaddr;

struct acceptor {
	struct source source;
	struct timer rest;
	struct loop *loop;
	/*
	 * Called with a new connection and the address of its client. The callback owns the
	 * descriptor, which does not block.
	 */
	void (*accepted)(struct acceptor *acceptor, int fd, const struct sockaddr *client);
};

/* Starts to accept at a descriptor. `accepted` has to be set. Returns 0 or -errno. */
int acceptor_start(struct acceptor *acceptor, struct loop *loop, int fd);
