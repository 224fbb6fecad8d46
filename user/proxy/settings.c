// SPDX-License-Identifier: BSD-2-Clause
/* See settings.h. */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/settings.h"

int proxy_fds_reserve(void)
{
	for (int fd = FD_SETTINGS; fd < FD_END; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		/*
		 * All lower numbers are taken, so open(2) gets this one. The worker has to
		 * find it taken as well.
		 */
		if (open("/dev/null", O_RDWR) != fd)
			return -EBADF;
	}
	return 0;
}

bool proxy_pipe_given(int fd)
{
	struct stat status;

	return !fstat(fd, &status) && S_ISFIFO(status.st_mode);
}

bool proxy_fd_given(int fd)
{
	struct stat status;

	return !fstat(fd, &status) && S_ISSOCK(status.st_mode);
}
