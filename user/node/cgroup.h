/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Control groups, version 2. Every path is a folder of the cgroup file system. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "node/paths.h"

#define KILL_PATIENCE 10 /* seconds that killed processes have to end */

/*
 * Opens a cgroup for attaching and for cloning into it. Returns a descriptor, -ENOTDIR if
 * the path is no cgroup of version 2, or -errno.
 */
int cgroup_open(const char *path);

/*
 * Reads the id under which the kernel keeps a cgroup's storage: its inode number. Returns
 * 0 or -errno.
 */
int cgroup_id(int fd, uint64_t *id);

/*
 * Opens the cgroup with that id. Returns a descriptor, -ESTALE if there is no such cgroup
 * any more, or -errno.
 */
int cgroup_open_id(uint64_t id);

/*
 * Whether the cgroup with that id is at the path. The path is resolved in the caller's
 * namespaces.
 */
bool cgroup_is_at(const char *path, uint64_t id);

/*
 * Calls `visit` with a descriptor of the cgroup, and of each cgroup below it, until
 * `visit` returns non-zero. Returns that value, 0, -ELOOP for more than 64 levels of
 * cgroups, or -errno.
 */
int cgroup_each(int cgroup, int (*visit)(int cgroup, void *data), void *data);

/*
 * Opens cgroup.events, which reports the first and the last process of a cgroup. Returns
 * a descriptor or -errno.
 */
int cgroup_open_events(const char *path);

/*
 * Whether a process is in the cgroup with that id or below it. A cgroup that is gone has
 * no process. Returns 1, 0, or -errno.
 */
int cgroup_is_populated(uint64_t id);

/*
 * Kills every process in the cgroup and below it, and waits at most `seconds` until they
 * are gone. A missing cgroup is empty. Returns 0, -ETIMEDOUT or -errno.
 */
int cgroup_kill(const char *path, int seconds);

/*
 * Does the same for the processes directly in a cgroup that will be used again. They must
 * not fork. It does not write cgroup.kill, after which cgroup_fork() would have to take
 * the longer way.
 */
int cgroup_kill_each(const char *path, int seconds);

/*
 * Waits at most `patience` ms until the cgroup has no process. Returns 0, also if there is
 * no such cgroup, -ETIMEDOUT or -errno.
 */
int cgroup_wait_until_empty(const char *path, int patience);

/*
 * Thaws a cgroup of our own that somebody froze. The cgroups above it may still be
 * frozen. Returns 0, also if there is no such cgroup, or -errno.
 */
int cgroup_thaw(const char *path);

/*
 * Finds the cgroup that keeps this one frozen: itself, or one above it. Returns whether
 * there is one, and writes its path to `frozen`.
 */
bool cgroup_find_frozen(const char *path, char frozen[PATH_SIZE]);

/* Whether `pid` is directly in the cgroup. */
bool cgroup_has_process(const char *path, pid_t pid);

/*
 * Removes a cgroup without processes, and all cgroups in it, however deep. Returns 0,
 * also if there is no such cgroup, or -errno.
 */
int cgroup_remove(const char *path);

/*
 * The number of a process directly in the cgroup. 0: no process there has a number in the
 * caller's PID namespace.
 */
pid_t cgroup_first_process(const char *path);

/*
 * Forks as fork(2) does, with the child in the cgroup from its first instruction on
 * (clone3(2), Linux 5.7). The child is also in new `namespaces` (CLONE_NEW*).
 *
 * Linux since 6.14, and stable releases of that time, may kill that child at once. They
 * do so if cgroup.kill was written a different number of times for this cgroup and for
 * the caller's own. See kernel/cgroup/cgroup.c, cgroup_css_set_fork() and
 * cgroup_post_fork(). In that case the child is forked outside and moved, and returns
 * from here after that.
 *
 * Returns as fork(2) does, or -errno.
 */
pid_t cgroup_fork(int cgroup, uint64_t namespaces);
