/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The mode of files. What we make has the mode that we say; what is made for the caller has the caller's. */

#include <sys/stat.h>

/* Sets the umask to 022 and remembers the caller's. Called once, at the start. */
void umask_set(void);

/* The umask that the caller had. */
mode_t umask_of_caller(void);
