/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The trace of a job's proxy, which is part of the log of the proxy. */

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include "lib/failure.h"

/*
 * Prints the log of a job's proxy to `to`. If `stopped` is not NULL, it then prints what
 * comes until that is set or the job ends. Returns 0, or -errno with the failure noted.
 */
int trace_print(FILE *to, const char *name, const volatile sig_atomic_t *stopped,
	struct failure *failure);
