/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Where the programs of a container ask for names. */

#include <jansson.h>

/*
 * Without /etc/resolv.conf the C library asks 127.0.0.1 (resolv.conf(5)), which is the container's own. Adds a mount to the bundle's
 * configuration that leads to the stub, unless the bundle or its root file system has such a file. Returns 0 or -errno.
 */
int oci_add_resolv_conf(json_t *config, const char *bundle);
