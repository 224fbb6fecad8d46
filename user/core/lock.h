/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The lock that every change of a node's state holds. */

#include "lib/failure.h"

/* Takes it; waits for who has it. Returns a descriptor, which releases it when it is closed (its
 * processes' end does as well), or -errno. */
int state_lock(struct failure *failure);
