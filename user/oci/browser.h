/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Mounts the settings of policy/browser_policy.h in a container (OCI runtime
 * specification, "mounts"). The nearest folder that the root file system has gets a tmpfs
 * with a copy of its entries. runc and crun make that copy (`tmpcopyup`).
 */

#include <jansson.h>

#include "lib/failure.h"

/*
 * Adds these mounts to the configuration of a bundle. The container's root file system is
 * not written to. A browser gets no settings in two cases:
 *
 *	- up to /etc its folder does not exist in the root file system
 *	- the bundle has a mount of its own at, above or below the folder
 *
 * Returns 0 or -errno.
 */
int oci_add_browser_policies(json_t *config, const char *bundle, struct failure *failure);
