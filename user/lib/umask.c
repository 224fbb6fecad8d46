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

FILE *umask_open(const char *path)
{
	FILE *file;

	umask(callers);
	file = fopen(path, "we");
	umask(022);
	return file;
}
