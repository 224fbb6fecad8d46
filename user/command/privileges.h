/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the caller has to be allowed to. */

#include "lib/failure.h"

/*
 * Whether this process has all capabilities that building, changing and ending a job take,
 * and a /proc that numbers processes as it does. It is asked before anything is begun, so
 * that nothing is half done. Returns 0, or -EPERM with what is missing named.
 */
int privileges_check(const char *verb, struct failure *failure);
