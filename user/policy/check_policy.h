/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the policy of the node allows, for `doctor`. */

#include "lib/findings.h"

/* Adds findings about the policy that begins with `file`, as policy_load(). */
void check_policy(struct findings *findings, const char *file);
