// SPDX-License-Identifier: BSD-2-Clause
/* See umask.h. */

#include "lib/umask.h"

static mode_t callers = 022;

void umask_set(void)
{
	callers = umask(022);
}

mode_t umask_of_caller(void)
{
	return callers;
}
