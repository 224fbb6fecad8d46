/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Isolation of the proxy, in stages: what a stage does not need is gone after the one
 * before.
 */

#include "proxy/settings.h"

/*
 * First stage, for the supervisor and by inheritance for the worker: no core dumps, not
 * traceable, no supplementary groups, the user and group of the settings, an empty
 * capability set (bounding set too), no_new_privs, limits on descriptors and on the length
 * of files, and a seccomp filter: what any user may call and the proxy never does is
 * ENOSYS.
 *
 * Returns 0 or -errno; the caller ends the process then.
 */
int sandbox_drop_privileges(const struct proxy_settings *settings);

/*
 * Second stage, for the worker once all is open: Landlock (only /etc/hosts stays readable;
 * nothing where the kernel has no Landlock), then a seccomp filter with the system calls of
 * the event loop. A call that is not in the list kills the process. Returns 0 or -errno.
 */
int sandbox_close(void);
