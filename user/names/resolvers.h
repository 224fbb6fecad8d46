/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The node's resolvers, as /etc/resolv.conf names them. */

#include "jobfence/abi.h"
#include "lib/failure.h"

/*
 * Reads the lines `nameserver ADDRESS` of resolv.conf(5), as far as there is room; unused places get port 0. A link-local address
 * with a zone is left out. `text` is cut into words.
 *
 * Returns how many there are; 0: there is no such line, and it is the resolver at 127.0.0.1, as there; -EINVAL: there are lines, and
 * none can be used.
 */
int resolvers_parse(char *text, struct endpoint resolvers[RESOLVERS_MAX]);

/* The same with /etc/resolv.conf, or without it. Returns that, -EFBIG where it is too long, or -errno: c-ares would take a file
 * that can't be opened for one that is not there. */
int resolvers_read(struct endpoint resolvers[RESOLVERS_MAX], struct failure *failure);
