/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* A process, as /proc/PID/stat shows it (proc_pid_stat(5)). */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Reads the state of a process, a letter such as Z for a zombie, and when it began, in
 * clock ticks since the boot as the caller's time namespace has it. Returns 0, or
 *
 *	-ESRCH	there is no such process
 *	-EPERM	/proc does not show it
 *	-EPROTO	what /proc shows can't be read
 *	-errno	anything else
 */
int process_stat(pid_t pid, char *state, uint64_t *start);

/* The inode of the caller's PID namespace. 0: it can't be told. */
uint64_t process_namespace(void);

/*
 * Whether all threads of a process have ended (pidfd_open(2)). A process whose first thread
 * has ended before others is a zombie in /proc, and has not ended.
 */
bool process_has_ended(int pidfd);

/*
 * Reads when a process began, in clock ticks since the boot. Readers in all time namespaces
 * get the same, or a neighbouring tick. Returns 0, -ESRCH if the process is reaped, -EPERM
 * if /proc does not show it, or -errno.
 */
int process_start(int pidfd, uint64_t *start);
