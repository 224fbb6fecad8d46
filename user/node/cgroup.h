/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Control groups, version 2. Every path is a folder of its file system. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "node/paths.h"

#define KILL_PATIENCE 10 /* seconds until killed processes have to be gone */

/* Opens a cgroup for attaching and for cloning into it. Returns a descriptor, or -ENOTDIR where it
 * is no cgroup of version 2, or -errno. */
int cgroup_open(const char *path);

/* The id under which the kernel keeps a cgroup's storage: its inode number. Returns 0 or -errno. */
int cgroup_id(int fd, uint64_t *id);

/* Opens the cgroup with that id. Returns a descriptor, -ESTALE where there is none any more, or -errno. */
int cgroup_open_id(uint64_t id);

/* Whether the cgroup with that id is at the path, as the caller's namespaces have it. */
bool cgroup_is_at(const char *path, uint64_t id);

/*
 * Calls `visit` with a descriptor of the cgroup and of each one below it, until it returns non-zero. Returns what it did, 0,
 * -ELOOP where they are nested deeper than anyone needs, or -errno.
 */
int cgroup_each(int cgroup, int (*visit)(int cgroup, void *data), void *data);

/* Opens cgroup.events, which tells of the first and of the last process of a cgroup. Returns a descriptor or -errno. */
int cgroup_open_events(const char *path);

/* Whether a process is in the cgroup with that id or below it; one that is gone has none. Returns 1, 0, or -errno. */
int cgroup_is_populated(uint64_t id);

/* Kills every process of the cgroup and below it and waits until they are gone, at most `seconds`. A
 * cgroup that is not there is empty. Returns 0, -ETIMEDOUT or -errno. */
int cgroup_kill(const char *path, int seconds);

/*
 * The same for the processes directly in a cgroup that is to be used again, and whose processes don't fork: after
 * cgroup.kill, cgroup_fork() has to go the longer way.
 */
int cgroup_kill_each(const char *path, int seconds);

/* Thaws a cgroup of our own that somebody froze; those above it may be frozen still. Returns 0, also where there is none,
 * or -errno. */
int cgroup_thaw(const char *path);

/* Finds what keeps a cgroup frozen: itself, or one above it. Returns whether there is any, with its path in `frozen`. */
bool cgroup_find_frozen(const char *path, char frozen[PATH_SIZE]);

/* Whether `pid` is directly in the cgroup. */
bool cgroup_has_process(const char *path, pid_t pid);

/* Removes a cgroup without processes, and all cgroups in it, however deep. Returns 0, also where there is none, or -errno. */
int cgroup_remove(const char *path);

/* The number of a process directly in the cgroup. 0: the caller can name none there. */
pid_t cgroup_first_process(const char *path);

/*
 * fork(2) with the child in the cgroup from its first instruction on (clone3(2), Linux 5.7), and in new `namespaces`
 * (CLONE_NEW*). Linux since 6.14, and stable releases of that time, kill that child at once where cgroup.kill was written for this cgroup and for the caller's
 * own a different number of times (kernel/cgroup/cgroup.c, cgroup_css_set_fork() and cgroup_post_fork()). Then the child is
 * forked outside, is moved, and returns from here after that. Returns as fork(2) does, or -errno.
 */
pid_t cgroup_fork(int cgroup, uint64_t namespaces);
