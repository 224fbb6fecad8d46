// SPDX-License-Identifier: BSD-2-Clause
/*
 * Locks are bytes of one file, which need not be there: byte 0 is the node's, another byte is a
 * job's, by a hash of its name. So no file is made for a job, and none has to be removed, which no one can do
 * without a race against who waits for its lock.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>

#include "core/lock.h"
#include "core/paths.h"
#include "lib/cleanup.h"
#include "lib/files.h"

#define JOBS_FIRST 1
#define JOBS_COUNT (1LL << 32) /* of hashes */

static int lock_bytes(off_t start, off_t count, int command, struct failure *failure)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = count
	};
	_fd_ int fd = -1;
	int error = folder_make(RUN_JOBS_FOLDER);

	if (error)
		return fail(
			failure, error, "cannot make %s (are you root?)", RUN_JOBS_FOLDER);
	fd = open(RUN_FOLDER "/lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail(
			failure, -errno, "cannot open %s/lock (are you root?)", RUN_FOLDER);
	while (fcntl(fd, command, &lock)) {
		if (errno == EAGAIN || errno == EACCES)
			return -EAGAIN;
		if (errno != EINTR)
			return fail(failure, -errno, "cannot lock %s/lock", RUN_FOLDER);
	}
	return TAKE_FD(fd);
}

static int lock_job(const char *name, int command, struct failure *failure)
{
	uint32_t hash = 2166136261; /* FNV-1a */

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619;
	return lock_bytes(JOBS_FIRST + (off_t)hash, 1, command, failure);
}

int job_lock(const char *name, struct failure *failure)
{
	return lock_job(name, F_OFD_SETLKW, failure);
}

void job_unlock(int lock)
{
	struct flock all = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	if (lock < 0)
		return;
	fcntl(lock, F_OFD_SETLK, &all);
	close(lock);
}

int job_try_lock(const char *name, struct failure *failure)
{
	return lock_job(name, F_OFD_SETLK, failure);
}

int jobs_try_lock(struct failure *failure)
{
	return lock_bytes(JOBS_FIRST, JOBS_COUNT, F_OFD_SETLK, failure);
}

int node_lock(struct failure *failure)
{
	return lock_bytes(0, 1, F_OFD_SETLKW, failure);
}
