/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Memory for secrets: never written to swap, in no core dump, and not there in a child
 * (mlock(2), madvise(2)).
 */

#include <stdbool.h>
#include <stddef.h>

/*
 * Maps a file in memory (memfd_create(2)) so that all processes share it. `memory` is the
 * address of the pointer to it. Returns 0 or -errno.
 */
int locked_map(int fd, size_t size, bool writable, void *memory);

/* Undoes that. `memory` may be NULL. */
void locked_unmap(const void *memory, size_t size);
