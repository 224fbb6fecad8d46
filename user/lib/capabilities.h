/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The rights of the calling process (capabilities(7)). `kept` has a bit for each right. */

#include <stdint.h>

/*
 * Removes all others from the bounding set, so that no program that is executed later gets
 * them. Returns 0 or -errno.
 */
int capabilities_bound(uint64_t kept);

/*
 * Gives up all others. Those that are left are in effect, and no program inherits them.
 * Returns 0 or -errno.
 */
int capabilities_keep(uint64_t kept);

/*
 * Puts these of the permitted ones into effect, and no others. `*before` is what was in
 * effect. Returns 0 or -errno.
 */
int capabilities_use(uint64_t wanted, uint64_t *before);
