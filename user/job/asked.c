// SPDX-License-Identifier: BSD-2-Clause
/* See asked.h. */

#include "job/asked.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "lib/cleanup.h"

#define ASKED "asked-to-end"

/* Makes a socket, and the address of the one in the folder. */
static int asked_socket(const struct job *job, struct sockaddr_un *address)
{
	const size_t size = sizeof(address->sun_path);
	int fd;

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (snprintf(address->sun_path, size, "%s/" ASKED, job->paths.run) >= (int)size)
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

int asked_open(const struct job *job)
{
	struct sockaddr_un address;
	_fd_ int fd = asked_socket(job, &address);

	if (fd < 0)
		return fd;
	/* The mode comes before the name, so at no moment may others write to it. */
	if ((unlink(address.sun_path) && errno != ENOENT) || fchmod(fd, 0600) ||
		bind(fd, (const struct sockaddr *)&address, sizeof(address)))
		return -errno;
	return TAKE_FD(fd);
}

int asked_send(const struct job *job, const int *fds, size_t count)
{
	const size_t length = count * sizeof(int);
	union {
		struct cmsghdr header; /* for the alignment */
		char bytes[CMSG_SPACE(ASKED_FDS_MAX * sizeof(int))];
	} control = {};
	struct sockaddr_un address;
	struct iovec byte = { .iov_base = (char[]){ 0 }, .iov_len = 1 };
	struct msghdr message = { .msg_name = &address,
		.msg_namelen = sizeof(address),
		.msg_iov = &byte,
		.msg_iovlen = 1 };
	_fd_ int fd = asked_socket(job, &address);

	if (fd < 0)
		return fd;
	if (count) {
		control.header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
			.cmsg_len = CMSG_LEN(length) };
		memcpy(CMSG_DATA(&control.header), fds, length);
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(length);
	}
	return sendmsg(fd, &message, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}
