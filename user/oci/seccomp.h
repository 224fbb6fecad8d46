/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The filter of system calls of a container's configuration (OCI runtime specification, "linux.seccomp"), narrowed to
 * the sockets that a job may have: what command_filter.h is for commands that jobfence itself starts. The runtime
 * (runc, crun) makes the filter of it, for the container's first process and for those of `exec`.
 */

#include <jansson.h>

#include "lib/failure.h"

/* Narrows the profile in `linux_config`, or adds one that refuses nothing else. Twice is as good as once. Returns 0 or -errno. */
int oci_seccomp_narrow(json_t *linux_config, struct failure *failure);
