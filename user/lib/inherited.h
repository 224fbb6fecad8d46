/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What a process inherits from its caller by execve(2), and ours must not depend on. */

/*
 * Gives every ignored signal its default disposition, and blocks none. A caller that ignores SIGCHLD would otherwise
 * have waitpid(2) fail with ECHILD. To be called at the start of a program, before it ignores any signal itself. A
 * program that runs a command for its caller has to note the caller's first, and give them back to that command.
 * Returns 0 or -errno.
 */
int inherited_reset(void);

/* The same for SIGCHLD alone, for a program that runs commands: remembers the caller's disposition. Called once, at the start.
 * Returns 0 or -errno. */
int inherited_take_child(void);

/* Gives that disposition back, for a command. */
void inherited_give_child(void);
