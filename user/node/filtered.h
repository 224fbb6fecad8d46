/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Processes of a cgroup that have a filter of system calls (seccomp(2)). */

#include <stdint.h>

struct filtered {
	unsigned processes; /* in the cgroup and below it, as the caller sees them */
	unsigned filtered;  /* those with a filter, whoever gave it to them */
};

/*
 * Counts them in the cgroup with that id. A cgroup that is gone has none. Returns 0 or
 * -errno.
 */
int filtered_count(uint64_t id, struct filtered *count);
