/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The state that a process inherits from its caller by execve(2). Our programs must not
 * depend on it.
 */

/*
 * Gives every ignored signal its default disposition, and blocks none. If a caller
 * ignores SIGCHLD, waitpid(2) would otherwise fail with ECHILD. Call this at the start of
 * a program, before it ignores any signal itself.
 *
 * A program that runs a command for its caller has to save the caller's dispositions
 * first, and restore them for that command.
 *
 * Returns 0 or -errno.
 */
int inherited_reset(void);

/*
 * Does the same for SIGCHLD alone, for a program that runs commands, and lifts the
 * caller's limit of the size of files. At that limit, a write ends a program by SIGXFSZ
 * (setrlimit(2)). Remembers what the caller had. Call it once, at the start. Returns 0 or
 * -errno.
 */
int inherited_take(void);

/* Restores what the caller had, for a command. */
void inherited_give(void);

/*
 * Hands no network socket of the caller to the programs that it executes. Unix sockets
 * stay. Returns 0 or -errno.
 */
int inherited_withhold_sockets(void);
