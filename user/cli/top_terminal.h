/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "lib/failure.h"

/*
 * Checks that standard input and output are a terminal on which a screen can be drawn. One
 * whose cursor can't be moved, such as `dumb`, is none. Returns 0, or -errno with the
 * failure noted.
 */
int top_check_terminal(struct failure *failure);
