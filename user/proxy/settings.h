/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The descriptors that the loader gave to the proxy. jobfence/proxy.h lists them. */

#include <stdbool.h>
#include <stdint.h>

#include "jobfence/proxy.h"

/*
 * Puts /dev/null at each number that the loader left closed. Call it before anything else
 * is opened, so that no other descriptor gets such a number. Returns 0 or -errno.
 */
int proxy_fds_reserve(void);

/* Whether the loader gave a socket, or an end of a pipe, at this number. */
bool proxy_fd_given(int fd);
bool proxy_pipe_given(int fd);
