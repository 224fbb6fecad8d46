/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Helpers for mounts of a bundle: they open its root file system and write files to
 * mount.
 */

#include <jansson.h>

#include "lib/failure.h"

/*
 * Opens the root file system of the bundle in the folder `bundle`. Returns a descriptor,
 * -EINVAL with STATUS_USAGE if the configuration names no root, or -errno.
 */
int oci_root_open(const json_t *config, const char *bundle, struct failure *failure);

/*
 * Writes a file that bundles mount. Several containers may start at the same time, so the
 * file is replaced whole. Returns 0 or -errno.
 */
int oci_source_write(const char *path, const char *text);
