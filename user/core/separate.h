/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

/*
 * What a command that jobfence itself starts may do to processes outside: nothing. Whoever traces one, reads its
 * memory, takes a descriptor of it or types into its terminal has it act on the other side of the fence.
 */

/* Whether the kernel has Landlock (Linux 5.13) and runs with it. */
bool landlock_is_there(void);

/* Installs it for the calling process, which has no_new_privs, and all that it starts. What the kernel
 * can't do (Landlock: Linux 5.13, its signals: 6.12) is left out. Returns 0 or -errno. */
int command_separate(void);
