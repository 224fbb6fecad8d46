/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The programs and maps that all jobs of a node share. They are loaded once. Programs are
 * pinned under the digest of their object, so that the programs of two versions don't
 * mix. Maps are shared by all versions with the same FENCE_ABI, so that the programs of
 * one version may replace those of another.
 *
 *	/sys/fs/bpf/jobfence/DIGEST/programs/NAME
 *	/sys/fs/bpf/jobfence/abi-FENCE_ABI/maps/NAME
 */

#include <stdbool.h>

#include "lib/failure.h"

/*
 * Mounts bpffs if it is missing, then loads and pins the objects that are not pinned yet.
 * The caller holds the job's lock. Returns 0 or -errno.
 */
int objects_ensure(struct failure *failure);

/*
 * Whether the kernel takes the programs. They are loaded and dropped, unless they are
 * pinned already. Nothing is pinned or mounted. Returns 0, or -errno with the failure
 * noted.
 */
int objects_try(struct failure *failure);

/* The digest of this version's programs. */
const char *objects_digest(void);

/*
 * Whether a folder below PINS_FOLDER, given by its name, has the programs or the maps of
 * a job. That job was made with these programs (a digest) and this FENCE_ABI.
 */
bool objects_serve(const char *folder, const char *programs, int abi);

/*
 * Whether a folder below PINS_FOLDER, given by its name, belongs only to another version.
 */
bool objects_are_of_another_version(const char *folder);

/* Opens a pinned program or map of this version. Returns a descriptor or -errno. */
int objects_program(const char *name);
int objects_map(const char *name);

/*
 * Sends the messages of libbpf to standard error if $JOBFENCE_DEBUG is set. Otherwise
 * they are dropped.
 */
void objects_route_messages(void);
