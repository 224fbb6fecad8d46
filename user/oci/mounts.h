/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What is needed to give a bundle mounts: a look at its root file system, and files that the mounts show. */

#include <jansson.h>

/* Opens the root file system of the bundle in the folder `bundle`. Returns a descriptor, -EINVAL where the configuration names
 * none, or -errno. */
int oci_root_open(const json_t *config, const char *bundle);

/* Writes a file that mounts show. Containers may start at the same time, so it is replaced whole. Returns 0 or -errno. */
int oci_source_write(const char *path, const char *text);
