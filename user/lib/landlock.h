/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Landlock: a process gives up all files but those that it names (landlock(7)). */

#include <linux/landlock.h>
#include <stdint.h>

/*
 * Makes a list of files, empty at first, for all rights of the first version (Linux 5.13).
 * Returns a descriptor, -ENOSYS if the kernel has no Landlock, or -errno.
 */
int landlock_begin(void);

/*
 * Allows LANDLOCK_ACCESS_FS_* for a file, or for all files beneath a folder. Returns 0,
 * -ENOENT if it is not there, or -errno.
 */
int landlock_allow(int ruleset, const char *path, uint64_t access);

/*
 * From now on the process has no other files. It needs no_new_privs. Returns 0 or -errno.
 */
int landlock_enforce(int ruleset);
