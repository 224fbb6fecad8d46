/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Mounts of a bundle, its root file system, and the files that are mounted there. */

#include <jansson.h>

#include "lib/failure.h"

/*
 * Opens the root file system of the bundle in the folder `bundle`. Returns a descriptor,
 * -EINVAL with STATUS_USAGE if the configuration names no root, or -errno.
 */
int oci_root_open(const json_t *config, const char *bundle, struct failure *failure);

/*
 * Finds the list of mounts of a bundle's configuration. If it has none, an empty one is
 * added. Returns 0, -EINVAL with STATUS_USAGE if it is no list, or -ENOMEM.
 */
int oci_mounts_find(json_t *config, json_t **mounts, struct failure *failure);

/* The mount at this very place, or NULL. */
const json_t *oci_mount_at(const json_t *mounts, const char *place);

/* Adds a mount of what the node has at `source`, read-only. Returns 0 or -ENOMEM. */
int oci_mount_add(json_t *mounts, const char *source, const char *place);

/*
 * Writes a file that bundles mount. Several containers may start at the same time, so the
 * file is replaced whole. Returns 0 or -errno.
 */
int oci_source_write(const char *path, const char *text);
