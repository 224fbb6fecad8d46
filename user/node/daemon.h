/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* A process that outlives its caller: what it must not take over from there. */

#include <sys/resource.h>

/*
 * Makes the calling process one that a system's first process might have begun: a session, a folder, a mask and keys of
 * its own, the standard scheduling, and limits that are ours. It may open `open_files` descriptors. Its children inherit all this.
 * Returns 0 or -errno; `*step` says then what could not be done. -EPERM: CAP_SYS_RESOURCE is missing, and the caller's hard
 * limit is too low.
 */
int daemon_begin(rlim_t open_files, const char **step);
