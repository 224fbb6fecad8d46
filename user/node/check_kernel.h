/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the kernel of this node has of what jobfence uses. docs/kernels.md has the list. */

#include "lib/findings.h"

/*
 * Adds findings about the kernel, its features, its file systems and its limits. Changes
 * nothing. As root it loads the programs once, without pinning them.
 */
void check_kernel(struct findings *findings);
