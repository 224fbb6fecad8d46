// SPDX-License-Identifier: BSD-2-Clause
/* See inherited.h. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "lib/cleanup.h"
#include "lib/files.h"
#include "lib/inherited.h"

static struct sigaction callers_child = { .sa_handler = SIG_DFL };
static struct rlimit callers_size = { RLIM_INFINITY, RLIM_INFINITY };

/* execve(2) removes handlers. So a handler here is our own, or that of a sanitizer. */
static int reset(int signal)
{
	const struct sigaction standard = { .sa_handler = SIG_DFL };
	struct sigaction action;

	/* EINVAL: the C library reserves two signals for itself. */
	if (sigaction(signal, NULL, &action))
		return errno == EINVAL ? 0 : -errno;
	if (action.sa_handler != SIG_IGN)
		return 0;
	return sigaction(signal, &standard, NULL) ? -errno : 0;
}

int inherited_reset(void)
{
	sigset_t none;

	for (int signal = 1; signal <= SIGRTMAX; signal++) {
		int error = reset(signal);

		if (error)
			return error;
	}
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) ? -errno : 0;
}

int inherited_take(void)
{
	const struct sigaction standard = { .sa_handler = SIG_DFL };
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };

	if (getrlimit(RLIMIT_FSIZE, &callers_size))
		return -errno;
	/* A caller that may not raise limits is refused later (command/privileges.h). */
	if (setrlimit(RLIMIT_FSIZE, &none) && errno != EPERM)
		return -errno;
	return sigaction(SIGCHLD, &standard, &callers_child) ? -errno : 0;
}

void inherited_give(void)
{
	sigaction(SIGCHLD, &callers_child, NULL);
	setrlimit(RLIMIT_FSIZE, &callers_size);
}

static bool is_network_socket(int fd)
{
	socklen_t length = sizeof(int);
	int family = AF_UNIX;

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length) &&
	       family != AF_UNIX;
}

int inherited_withhold_sockets(void)
{
	_dir_ DIR *folder = opendir("/proc/self/fd");
	const struct dirent *entry;
	int error = 0;

	if (!folder)
		return -errno;
	while ((entry = folder_next(folder, &error))) {
		int fd = (int)strtol(entry->d_name, NULL, 10);

		if (is_network_socket(fd) && fcntl(fd, F_SETFD, FD_CLOEXEC))
			return -errno;
	}
	return error;
}
