/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The node's own names, hosts(5). */

#include <stddef.h>
#include <stdio.h>

#include "jobfence/address.h"

/*
 * Reads lines of an address and its names, and collects the addresses of `name`, at most `max` of them. Lines that begin with
 * anything but an address are passed over, as is what follows `#`. Names are compared without regard to case. Returns how many it found.
 */
size_t hosts_search(FILE *file, const char *name, struct address *addresses, size_t max);

/* The same with /etc/hosts, which may be missing. It is read each time, since it may change. */
size_t hosts_look_up(const char *name, struct address *addresses, size_t max);
