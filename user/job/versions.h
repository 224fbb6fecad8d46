/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The programs and maps of several versions of jobfence on one node. */

#include "lib/failure.h"

/*
 * Removes the programs and maps of other versions that no job uses. Does nothing while
 * another command has any job's lock. Returns 0 or -errno.
 */
int gc_versions(struct failure *failure);
