/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The rights that the caller needs. */

#include "lib/failure.h"

/*
 * Checks that this process has all capabilities that building, changing and ending a job
 * need. Its /proc has to show the process by the number that getpid() returns. Call this
 * first, so that nothing is left half done. Returns 0, or -EPERM with the missing rights
 * named.
 */
int privileges_check(const char *verb, struct failure *failure);
