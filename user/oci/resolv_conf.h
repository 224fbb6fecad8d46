/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The resolver that programs of a container ask for names. */

#include <jansson.h>

#include "lib/failure.h"

/*
 * Adds a mount of /etc/resolv.conf that names the stub resolver to a bundle's
 * configuration. Without that file the C library asks 127.0.0.1 (resolv.conf(5)), which
 * is the container itself. No mount is added if the bundle or its root file system has
 * such a file. Returns 0 or -errno.
 */
int oci_add_resolv_conf(json_t *config, const char *bundle, struct failure *failure);
