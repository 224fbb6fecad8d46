/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A job's programs: one pinned link for each, on the job's cgroup and on its proxy's. They are
 * attached before any state is written, and state that nobody has written refuses everything.
 */

#include <stdbool.h>
#include <stdint.h>

#include "lib/failure.h"
#include "node/paths.h"

/* Attaches the job's programs to `cgroup`, the proxy's to `proxy_cgroup` (unless negative), and pins the links
 * below the job's folder of pins. Returns 0 or -errno; what was pinned by then stays. */
int attach_job(const struct job_paths *paths, int cgroup, int proxy_cgroup,
	struct failure *failure);

/*
 * Puts the programs of this version in the place of those of a job, one after another, each in one piece: a packet or a
 * call is decided by the old one or by the new one. What this version has more is attached. Either all can be replaced
 * or none is. Returns 0; -EXDEV where a program would need a storage that the job's does not have; or -errno. Killed or
 * failed in between, the job has some of both, which decide alike, and the next call goes on.
 */
int attach_replace(const struct job_paths *paths, int cgroup, int proxy_cgroup,
	struct failure *failure);

/* Whether the filter of packets of a job, of any version, is attached to the cgroup itself, as the kernel has it. Returns 1,
 * 0 or -errno. */
int attach_is_there(int cgroup);

/* Which programs of a job are attached to its cgroup, by pinned links. */
struct attached {
	bool packets; /* the packet filter, both ways */
	bool sockets; /* all hooks on sockets that every kernel has */
	bool lsm;     /* all hooks of BPF LSM, which a kernel may lack */
};

/* Asks the kernel about the links of a job whose cgroup has this id. */
struct attached attach_look(const struct job_paths *paths, uint64_t id);

/*
 * Attaches the filter of packets to the job's own cgroup without a link, so that it holds for as long as a socket of the job lives,
 * which another job may have been given, be the cgroup and the links gone. Returns 0, also where there is nothing to
 * hold, or -errno.
 */
int attach_to_remain(const struct job_paths *paths);

/* The same of a cgroup or any above it, also of those that the caller's cgroup namespace does not show. */
int attach_is_in_effect(int cgroup);
