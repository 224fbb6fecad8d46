// SPDX-License-Identifier: BSD-2-Clause
/* See process.h. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "node/paths.h"
#include "node/process.h"

/* The fields that count. */
#define FIELD_STATE 3
#define FIELD_START 22

/*
 * The name of a command, in parentheses, may hold any character: blanks, parentheses, ends
 * of lines. What follows it holds no parenthesis.
 */
static int parse(const char *text, char *state, uint64_t *start)
{
	const char *at = strrchr(text, ')');

	if (!at || at[1] != ' ' || !at[2])
		return -EPROTO;
	at += 2;
	*state = *at;
	for (int field = FIELD_STATE; at && field < FIELD_START; field++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	if (!at)
		return -EPROTO;
	*start = strtoull(at, NULL, 10);
	return 0;
}

int process_stat(pid_t pid, char *state, uint64_t *start)
{
	char path[PATH_SIZE], text[2048];
	_fd_ int fd = -1;
	ssize_t length;

	if (path_format(path, "/proc/%d/stat", (int)pid))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT)
		return -errno;
	/* With the option hidepid, /proc hides processes of others. */
	if (fd < 0)
		return kill(pid, 0) && errno == ESRCH ? -ESRCH : -EPERM;
	length = read(fd, text, sizeof(text) - 1);
	if (length < 0)
		return -errno;
	text[length] = '\0';
	return parse(text, state, start);
}
