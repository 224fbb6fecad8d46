/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The node's resolvers, as /etc/resolv.conf names them. */

#include "jobfence/fence.h"

/*
 * Reads the lines `nameserver ADDRESS` of resolv.conf(5), as far as there is room; unused places get port 0. Without any,
 * or without the file, it is the resolver at 127.0.0.1, as there. A link-local address with a zone is left out. `text` is
 * cut into words.
 */
void resolvers_parse(char *text, struct endpoint resolvers[RESOLVERS_MAX]);

/* The same with /etc/resolv.conf. Returns 0, -EFBIG where it is too long, or -errno: c-ares would take a file that can't be
 * opened for one that is not there. */
int resolvers_read(struct endpoint resolvers[RESOLVERS_MAX]);
