/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* A process that outlives its caller, and does not keep the caller's settings. */

#include <sys/resource.h>

/*
 * Makes the calling process as if process 1 of the system had started it. It gets a
 * session, a folder, a umask and keys of its own, the standard scheduling, and our
 * limits. It may open `open_files` descriptors. Its children inherit all this.
 *
 * Returns 0, or -errno with the failed step in `*step`. -EPERM: CAP_SYS_RESOURCE is
 * missing, and the caller's hard limit is too low.
 */
int daemon_begin(rlim_t open_files, const char **step);
