/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The node's own names (hosts(5)). */

#include <stddef.h>
#include <stdio.h>

#include "jobfence/address.h"

/*
 * Reads lines of an address and its names, and collects at most `max` addresses of
 * `name`. Lines that don't begin with an address are skipped, and so is the text after
 * `#`. Names are compared without regard to case. Returns how many addresses it found.
 */
size_t hosts_search(FILE *file, const char *name, struct address *addresses, size_t max);

/*
 * Does the same with /etc/hosts, which may be missing. The file is read each time, since
 * it may change.
 */
size_t hosts_look_up(const char *name, struct address *addresses, size_t max);
