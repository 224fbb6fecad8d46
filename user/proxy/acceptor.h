/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A listening socket in the loop: takes connections as they come, and rests for a moment
 * when there are no descriptors or no memory for one more, since the socket would stay
 * ready and the loop spin.
 */

#include "proxy/loop.h"

struct sockaddr;

struct acceptor {
	struct source source;
	struct timer rest;
	struct loop *loop;
	/*
	 * Is given a connection, whose non-blocking descriptor it owns, and the address of
	 * the client.
	 */
	void (*accepted)(struct acceptor *acceptor, int fd, const struct sockaddr *client);
};

/* Listens at a descriptor from now on, with `accepted` set. Returns 0 or -errno. */
int acceptor_start(struct acceptor *acceptor, struct loop *loop, int fd);
