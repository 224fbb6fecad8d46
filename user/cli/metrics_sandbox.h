/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The isolation of the server of metrics, in two stages, both before it reads a byte from a
 * client.
 *
 * The first gives up all rights but one: to read all files (CAP_DAC_READ_SEARCH). The pins
 * of jobs are root's, and cgroups are opened by their ids (open_by_handle_at(2)). Without
 * root it keeps of its rights at most that one. Folders that Landlock is to name, and that
 * are not there before the first job, root makes before that.
 *
 * The second bounds that right. With Landlock the process has these files, to read:
 *
 *	/run/jobfence	records of jobs
 *	/run/netns	namespaces of jobs, to see whether they are there
 *	/sys/fs		cgroups and bpffs
 *	/sys/devices/system/cpu		the number of processors
 *
 * Pinned maps are opened by bpf(2), which Landlock does not look at. There the rights of
 * files hold, and a filter of system calls, by which maps can be read only. Other calls
 * than the server needs fail with ENOSYS, as in an older kernel. So a newer library goes
 * another way, and the server goes on.
 */

/* Returns 0 or -errno. */
int metrics_drop_rights(void);

#define METRICS_ALL_FILES 1 /* the kernel has no Landlock */

/*
 * Comes after all that opens sockets and libraries. Returns 0, METRICS_ALL_FILES if the
 * server may still read all files, or -errno.
 */
int metrics_close_sandbox(void);
