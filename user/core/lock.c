// SPDX-License-Identifier: BSD-2-Clause
/* See lock.h. */

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "core/lock.h"
#include "core/paths.h"
#include "lib/cleanup.h"
#include "lib/files.h"

int state_lock(struct failure *failure)
{
	_fd_ int fd = -1;
	int error = folder_make(RUN_JOBS_FOLDER);

	if (error)
		return fail(
			failure, error, "cannot make %s (are you root?)", RUN_JOBS_FOLDER);
	fd = open(RUN_FOLDER "/lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail(
			failure, -errno, "cannot open %s/lock (are you root?)", RUN_FOLDER);
	while (flock(fd, LOCK_EX))
		if (errno != EINTR)
			return fail(failure, -errno, "cannot lock %s/lock", RUN_FOLDER);
	return TAKE_FD(fd);
}
