/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The node's own names (hosts(5)). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "jobfence/address.h"

/*
 * Reads lines of an address and its names, and collects at most `max` addresses of
 * `name`. Lines that don't begin with an address are skipped, and so is the text after
 * `#`. Names are compared without regard to case. Returns how many addresses it found.
 */
size_t hosts_search(FILE *file, const char *name, struct address *addresses, size_t max);

/* Does the same with /etc/hosts, which may be missing. The file is read each time. */
size_t hosts_look_up(const char *name, struct address *addresses, size_t max);

/* Tells one state of /etc/hosts from another. All 0: the file is missing. */
struct hosts_stamp {
	uint64_t device, inode, size, modified, changed; /* the last two in ns */
};

/*
 * Returns whether /etc/hosts is another one than the stamp says, and writes the stamp. Call
 * it before the file is read.
 */
bool hosts_have_changed(struct hosts_stamp *stamp);
