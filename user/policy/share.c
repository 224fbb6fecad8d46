// SPDX-License-Identifier: BSD-2-Clause
/* See share.h. */

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/printable.h"
#include "node/paths.h"
#include "policy/share.h"

#define SHARES_MAX 64

static bool is_below(const char *path, const char *folder)
{
	const size_t length = strlen(folder);

	return !strncmp(path, folder, length) && path[length] == '/' && path[length + 1];
}

static bool is_plain(const char *path)
{
	return path[0] == '/' && strlen(path) < PATH_SIZE && !strstr(path, "//") &&
	       !strstr(path, "/./") && !strstr(path, "/../") &&
	       strcmp(strrchr(path, '/'), "/..") && strcmp(strrchr(path, '/'), "/.") &&
	       strcmp(strrchr(path, '/'), "/");
}

static bool is_covered(const char *path)
{
	static const char *const folders[] = { "/run", "/var/run", "/dev/shm",
		"/tmp/.X11-unix", "/tmp/.ICE-unix" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (is_below(path, folders[i]))
			return true;
	return false;
}

bool share_is_own(const char *path)
{
	static const char *const own[] = { RUN_FOLDER, NETNS_FOLDER };
	const char *run = strncmp(path, "/var", 4) ? path : path + 4;

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (!strcmp(run, own[i]) || is_below(run, own[i]))
			return true;
	return false;
}

int share_add(json_t **list, const char *path, struct failure *failure)
{
	char shown[PRINTABLE_SIZE];

	if (!is_plain(path))
		return fail_as(failure, STATUS_USAGE,
			"to share '%s' it has to be an absolute path, without '.', '..' and a slash at the end",
			printable(path, shown));
	if (share_is_own(path))
		return fail_as(failure, STATUS_USAGE,
			"%s leads around the fence, and can't be shared",
			printable(path, shown));
	if (!is_covered(path))
		return fail_as(failure, STATUS_USAGE,
			"%s need not be shared: of the files of the node a job misses what is below /run, "
			"/dev/shm, /tmp/.X11-unix and /tmp/.ICE-unix only",
			printable(path, shown));
	if (!*list)
		*list = json_array();
	if (json_array_size(*list) == SHARES_MAX)
		return fail_as(
			failure, STATUS_USAGE, "a job shares at most %d paths", SHARES_MAX);
	return json_array_append_new(*list, json_string(path))
		       ? fail_as(failure, STATUS_USAGE,
				 "to share '%s' it has to be in UTF-8",
				 printable(path, shown))
		       : 0;
}
