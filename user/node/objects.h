/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The programs and maps that all jobs of a node share, loaded once. Programs are pinned under the digest of the
 * object they come from, so that those of two versions don't meet; maps are shared by all versions with
 * the same FENCE_ABI, so that programs of one may take the place of another's.
 *
 *	/sys/fs/bpf/jobfence/DIGEST/programs/NAME
 *	/sys/fs/bpf/jobfence/abi-FENCE_ABI/maps/NAME
 */

#include <stdbool.h>

#include "lib/failure.h"

/* Mounts bpffs where it is missing; loads and pins what is not pinned yet. To be called with the state
 * locked. Returns 0 or -errno. */
int objects_ensure(struct failure *failure);

/* The digest of this version's programs. */
const char *objects_digest(void);

/*
 * Whether a folder below PINS_FOLDER, given by its name, has the programs or the maps of a
 * job that was built with these programs (a digest) and this FENCE_ABI.
 */
bool objects_serve(const char *folder, const char *programs, int abi);

/* Whether a folder below PINS_FOLDER, given by its name, is of another version only. */
bool objects_are_of_another_version(const char *folder);

/* Opens a pinned program or map of this version. Returns a descriptor or -errno. */
int objects_program(const char *name);
int objects_map(const char *name);

/* Sends what libbpf has to say to standard error when $JOBFENCE_DEBUG is set, else nowhere. */
void objects_quiet(void);
