/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The first word of a child, which it writes to a pipe once it runs in its cgroup. */

#include "lib/failure.h"

/*
 * Waits at most `patience` milliseconds until `pipe` can be read: the child wrote, or
 * ended. `who` is the child's name in messages.
 *
 * Returns 0, or -errno with the failure noted. -EPERM: a cgroup is frozen, so the child
 * in `cgroup` can't run. -ETIMEDOUT: the child does not answer for another reason.
 */
int first_word_wait(const char *cgroup, int pipe, int patience, const char *who,
	struct failure *failure);
