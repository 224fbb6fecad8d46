/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* A process, as /proc/PID/stat shows it (proc_pid_stat(5)). */

#include <stdint.h>
#include <sys/types.h>

/*
 * Reads the state of a process, a letter such as Z for a zombie, and when it began, in
 * clock ticks since the boot. Returns 0, or
 *
 *	-ESRCH	there is no such process
 *	-EPERM	/proc does not show it
 *	-EPROTO	what /proc shows can't be read
 *	-errno	anything else
 */
int process_stat(pid_t pid, char *state, uint64_t *start);
