/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The terminal that a command shares with its caller. The command has its own process
 * group: its kill(0, …) must not reach the processes that jobfence was started with. So
 * jobfence moves the foreground between both groups, as a shell with job control does.
 */

#include <stdbool.h>
#include <sys/types.h>

struct terminal {
	int fd;		  /* -1: no terminal */
	bool lent;	  /* the command's side has had the foreground */
	pid_t foreground; /* the group that had the foreground when it was taken back */
};

/* Opens the controlling terminal, if there is one. */
void terminal_open(struct terminal *terminal);
void terminal_close(struct terminal *terminal);

/*
 * Whether the command begins in the foreground. It does if jobfence has the foreground
 * and is in no pipeline. Another member of a pipeline may need the keyboard, and the
 * command may not.
 */
bool terminal_is_for_command(const struct terminal *terminal);

/* In the child: gives the foreground to the child's own new group. */
void terminal_claim(const struct terminal *terminal);

/*
 * After `signal` stopped the command. If the command wants the terminal, it gets the
 * foreground. Otherwise the caller's group stops as well.
 */
void terminal_stopped(struct terminal *terminal, pid_t pid, int signal);

/* After SIGCONT: continues the command, in the foreground if the command had it. */
void terminal_continue(struct terminal *terminal, pid_t pid);

/* After the command has ended: takes the foreground back. Returns whether it was lent. */
bool terminal_take_back(struct terminal *terminal);
