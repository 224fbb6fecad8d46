/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The node's resolvers, from /etc/resolv.conf. */

#include "jobfence/abi.h"
#include "lib/failure.h"

/*
 * Reads the lines `nameserver ADDRESS` of resolv.conf(5), as far as there is room. Unused
 * entries get port 0. A link-local address with a zone is skipped. `text` is cut into
 * words.
 *
 * Returns how many resolvers the lines give. 0: there is no such line, and the resolver
 * is the one at 127.0.0.1, as in resolv.conf(5). -EINVAL: no such line can be used.
 */
int resolvers_parse(char *text, struct endpoint resolvers[RESOLVERS_MAX]);

/*
 * Does the same with /etc/resolv.conf, or with no lines if the file is missing. Returns
 * the same values, -EFBIG if the file is too long, or -errno if it can't be opened.
 * c-ares would treat such a file as missing.
 */
int resolvers_read(struct endpoint resolvers[RESOLVERS_MAX], struct failure *failure);
