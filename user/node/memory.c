// SPDX-License-Identifier: BSD-2-Clause
/* See memory.h. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "node/memory.h"
#include "node/paths.h"

/* A process that ended has none. */
static uint64_t process_pss(unsigned long pid)
{
	char path[PATH_SIZE], line[256];
	_file_ FILE *file = NULL;

	if (path_format(path, "/proc/%lu/smaps_rollup", pid))
		return 0;
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, "Pss:", 4))
			return strtoull(line + 4, NULL, 10) * 1024;
	return 0;
}

int cgroup_pss(const char *path, uint64_t *bytes)
{
	char procs[PATH_SIZE], line[32];
	_file_ FILE *file = NULL;
	uint64_t sum = 0;

	if (path_format(procs, "%s/cgroup.procs", path))
		return -ENAMETOOLONG;
	file = fopen(procs, "re");
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file))
		sum += process_pss(strtoul(line, NULL, 10));
	if (ferror(file))
		return -EIO;
	*bytes = sum;
	return 0;
}
