/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "lib/findings.h"

/*
 * Collects what `doctor` finds out about this node. `config` is the first file of the
 * policy, or NULL. Changes nothing.
 */
void node_examine(struct findings *findings, const char *config);
