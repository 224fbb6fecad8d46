/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The umask. Our own files get the mode that we give them. Files that we make for the
 * caller get the caller's umask.
 */

#include <stdio.h>
#include <sys/stat.h>

/* Sets the umask to 022 and remembers the caller's. Call it once, at the start. */
void umask_set(void);

/* The umask that the caller had. */
mode_t umask_of_caller(void);

/* Opens a file of the caller's for writing, and empties it. Returns NULL with errno set. */
FILE *umask_open(const char *path);
