/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The programs and maps that all jobs of a node share: loaded once, pinned under the digest of the
 * object they come from, so that two versions on one node don't meet.
 *
 *	/sys/fs/bpf/jobfence/DIGEST/programs/NAME
 *	/sys/fs/bpf/jobfence/DIGEST/maps/NAME
 */

#include "lib/failure.h"

/* Mounts bpffs where it is missing; loads and pins what is not pinned yet. To be called with the state
 * locked. Returns 0 or -errno. */
int objects_ensure(struct failure *failure);

/* Opens a pinned program or map of this version. Returns a descriptor or -errno. */
int objects_program(const char *name);
int objects_map(const char *name);

/* Sends what libbpf has to say to standard error when $JOBFENCE_DEBUG is set, else nowhere. */
void objects_quiet(void);
