// SPDX-License-Identifier: BSD-2-Clause
/* See process.h. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jobfence/time.h"
#include "lib/cleanup.h"
#include "node/paths.h"
#include "node/process.h"

/* The fields that count. */
#define FIELD_STATE 3
#define FIELD_START 22

#define BOOT "boottime " /* a line of /proc/PID/timens_offsets */

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

uint64_t process_namespace(void)
{
	struct stat status;

	return stat("/proc/self/ns/pid", &status) ? 0 : status.st_ino;
}

bool process_has_ended(int pidfd)
{
	struct pollfd end = { .fd = pidfd, .events = POLLIN };

	return poll(&end, 1, 0) > 0 && end.revents & POLLIN;
}

/*
 * The number under which /proc shows the process. /proc may be of another PID namespace
 * than the caller is in. Returns -ESRCH if the process is reaped, or -EPERM if /proc does
 * not show it.
 */
static pid_t shown_pid(int pidfd)
{
	char path[PATH_SIZE], line[128];
	_file_ FILE *file = NULL;
	long pid = 0;

	if (path_format(path, "/proc/self/fdinfo/%d", pidfd))
		return -ENAMETOOLONG;
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, "Pid:", 4))
			pid = strtol(line + 4, NULL, 10);
	return pid > 0 ? (pid_t)pid : pid < 0 ? -ESRCH : -EPERM;
}

/*
 * What the caller's time namespace adds to the time since the boot (time_namespaces(7)), in
 * clock ticks. The kernel shows it for the namespace of the caller's children. That is the
 * caller's own, unless it has called unshare(2) since its start.
 */
static int boot_offset(int64_t *ticks)
{
	const long hertz = sysconf(_SC_CLK_TCK);
	_file_ FILE *file = fopen("/proc/self/timens_offsets", "re");
	struct stat own, of_children;
	char line[128];

	*ticks = 0;
	if (!file)
		return errno == ENOENT ? 0 : -errno; /* a kernel without such namespaces */
	if (stat("/proc/self/ns/time", &own) ||
		stat("/proc/self/ns/time_for_children", &of_children))
		return -errno;
	if (own.st_ino != of_children.st_ino)
		return -EXDEV;
	while (fgets(line, sizeof(line), file)) {
		char *end = line + strlen(BOOT);
		int64_t seconds;

		if (strncmp(line, BOOT, strlen(BOOT)) != 0)
			continue;
		seconds = strtoll(end, &end, 10);
		*ticks =
			seconds * hertz + strtol(end, &end, 10) / ((int64_t)SECOND / hertz);
		return *end == '\n' ? 0 : -EPROTO;
	}
	return -EPROTO;
}

int process_start(int pidfd, uint64_t *start)
{
	pid_t pid = shown_pid(pidfd);
	uint64_t shown = 0;
	int64_t offset = 0;
	char state = '\0';
	int error = pid < 0 ? pid : boot_offset(&offset);

	if (!error)
		error = process_stat(pid, &state, &shown);
	if (!error)
		*start = shown - (uint64_t)offset;
	return error;
}
