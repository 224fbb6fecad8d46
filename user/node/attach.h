/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A job's programs. Each is attached by a pinned link, to the job's cgroup or to its
 * proxy's. The programs are attached before any state is written. Without state they
 * refuse everything.
 */

#include <stdbool.h>
#include <stdint.h>

#include "lib/failure.h"
#include "node/paths.h"

/*
 * Attaches the job's programs to `cgroup`, and the proxy's to `proxy_cgroup` unless
 * that is negative. Pins the links in the job's folder of pins. Returns 0 or -errno.
 * After a failure, links that were pinned before it stay.
 */
int attach_job(const struct job_paths *paths, int cgroup, int proxy_cgroup,
	struct failure *failure);

/*
 * Replaces the programs of a job by those of this version, one after another. Each
 * replacement is atomic, so either the old or the new program decides on a packet or a
 * call. Programs that only this version has are attached.
 *
 * All programs are checked before the first one is replaced. Returns 0 or -errno.
 * -EXDEV: a program needs a storage that the job's program does not have, and nothing
 * was replaced.
 *
 * If it is killed or fails in between, the job has programs of both versions. They
 * decide alike, and the next call goes on.
 */
int attach_replace(const struct job_paths *paths, int cgroup, int proxy_cgroup,
	struct failure *failure);

/*
 * Whether the packet filter of a job, of any version, is attached to this cgroup. The
 * kernel is asked. Returns 1, 0 or -errno.
 */
int attach_is_there(int cgroup);

/* Which programs are attached to a job's cgroup by pinned links. */
struct attached {
	bool packets; /* the packet filter, in both directions */
	bool sockets; /* all socket hooks that every kernel has */
	bool lsm;     /* all hooks of BPF LSM, which a kernel may lack */
};

/* Asks the kernel about the links of a job whose cgroup has this id. */
struct attached attach_look(const struct job_paths *paths, uint64_t id);

/*
 * Attaches the packet filter to `own`, the cgroup that jobfence made for the job, without
 * a link. It then stays until the last socket of the job is closed. That holds even if
 * another process has the socket, and the cgroup and the links are gone. Returns 0, also
 * if there is no cgroup or link, or -errno.
 */
int attach_to_remain(const struct job_paths *paths, const char *own);

/*
 * Whether the packet filter of a job is in effect in a cgroup. It is then attached to the
 * cgroup, or to one above it. That one may be outside of the caller's cgroup namespace.
 * Returns 1, 0 or -errno.
 */
int attach_is_in_effect(int cgroup);
