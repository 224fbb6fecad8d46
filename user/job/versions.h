/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The programs and maps of several versions of jobfence on one node. */

#include "lib/failure.h"

/*
 * Removes the programs and maps of versions that no job uses. Those of this version stay.
 * Does nothing while a command changes any job. Returns 0 or -errno.
 */
int versions_collect(struct failure *failure);
