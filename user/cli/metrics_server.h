/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Serves the metrics by HTTP at /metrics, with one thread, in a sandbox
 * (metrics_sandbox.h). It can change nothing on the node.
 *
 * A client has one request in a connection, and a bound on the time of it. Connections
 * beyond a bound wait in the backlog of the socket.
 */

#include "lib/failure.h"

/*
 * Opens the socket to listen on: ADDRESS:PORT, with an IPv6 address in brackets, or
 * unix:PATH. A Unix socket that nobody listens on any more is replaced. Returns a
 * descriptor, or -errno with the failure noted.
 */
int metrics_listen(const char *where, struct failure *failure);

/*
 * The socket that a service manager listens on for this process (sd_listen_fds(3)). -1:
 * there is none.
 */
int metrics_inherited_socket(void);

/* Serves until the process is ended. Returns -errno with the failure noted. */
int metrics_serve(int listener, struct failure *failure);
