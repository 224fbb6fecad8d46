/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The settings of policy/browser_policy.h as mounts of a container (OCI runtime specification, "mounts"). The nearest folder of the
 * root file system that is there gets a tmpfs with a copy of its entries, which runc and crun make (`tmpcopyup`).
 */

#include <jansson.h>

#include "lib/failure.h"

/*
 * Adds them to the configuration of a bundle. Nothing is written to the container's root file system. A browser goes without where the
 * folder is missing up to /etc, or where the bundle has a mount of its own above or below it. Returns 0 or -errno.
 */
int oci_add_browser_policies(json_t *config, const char *bundle, struct failure *failure);
