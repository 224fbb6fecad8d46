/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* How a command that follows something ends in order: by SIGINT or SIGTERM. */

#include <signal.h>

/* Not 0: one of these signals came. */
extern volatile sig_atomic_t stopped;

/*
 * Has the signals set `stopped`, but for one that the caller ignores. They also end a
 * system call that waits, such as a write that nobody takes.
 */
void stop_on_signals(void);
