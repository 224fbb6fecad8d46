/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Narrows the filter of system calls in a container's configuration (OCI runtime
 * specification, "linux.seccomp") to the sockets that a job may have. command_filter.h is
 * the counterpart for commands that jobfence itself starts. The runtime (runc, crun)
 * builds the filter for the container's first process and for those of `exec`.
 */

#include <jansson.h>

#include "lib/failure.h"

/*
 * Narrows the profile in `linux_config`. Without a profile it adds one with these
 * refusals only. A second call changes nothing. Returns 0 or -errno.
 */
int oci_seccomp_narrow(json_t *linux_config, struct failure *failure);
