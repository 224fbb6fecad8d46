/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The isolation of the proxy has stages. Each stage removes what the later ones do not
 * need.
 */

#include "proxy/settings.h"

/*
 * The first stage, for the supervisor and, by inheritance, for the worker. It sets
 *
 *	the user and group of the settings, without supplementary groups
 *	an empty capability set, and an empty bounding set
 *	no_new_privs
 *	no core dumps and no tracing
 *	limits on descriptors and on the length of files
 *	a seccomp filter, by which calls that any user may make and the proxy never
 *	makes fail with ENOSYS
 *
 * Returns 0 or -errno. The caller then ends the process.
 */
int sandbox_drop_privileges(const struct proxy_settings *settings);

/*
 * Ends core dumps and tracing again, which executing a program allows. Call it before
 * anything that is secret is read. Returns 0 or -errno.
 */
int sandbox_begin(void);

/*
 * The second stage, for the worker once all is open. Landlock leaves only /etc/hosts
 * readable. If the kernel has no Landlock, no file is. Then a seccomp filter allows the
 * system calls of the event loop. A call that is not in the list kills the process. Returns
 * 0 or -errno.
 */
int sandbox_close(void);
