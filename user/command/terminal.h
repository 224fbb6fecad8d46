/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The terminal that a command shares with its caller. The command gets a process group of its own: kill(0, …) must
 * not reach the processes that jobfence was started with. So somebody has to move the foreground
 * between both groups, as a shell with job control does.
 */

#include <stdbool.h>
#include <sys/types.h>

struct terminal {
	int fd;		  /* -1: there is none */
	bool lent;	  /* the command, or what it started, has had the foreground */
	pid_t foreground; /* the group that had it when it was last taken back */
};

/* Opens the controlling terminal, if there is one. */
void terminal_open(struct terminal *terminal);
void terminal_close(struct terminal *terminal);

/*
 * Whether the command is to begin in the foreground: jobfence has it, and is in no pipeline. Another member
 * of a pipeline may want the keyboard, and the command may not want it at all.
 */
bool terminal_is_for_command(const struct terminal *terminal);

/* In the child: gives its own new group the foreground. */
void terminal_claim(const struct terminal *terminal);

/* After the command stopped by `signal`: gives it the terminal if that was what it wanted; else stops the caller's group with it. */
void terminal_stopped(struct terminal *terminal, pid_t pid, int signal);

/* After SIGCONT: the command goes on, in the foreground if it had that. */
void terminal_continue(struct terminal *terminal, pid_t pid);

/* After the command has ended: takes the foreground back. Returns whether it had been lent. */
bool terminal_take_back(struct terminal *terminal);
