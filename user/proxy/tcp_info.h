/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

/*
 * The struct tcp_info of the C library lacks the bytes and the segments. A file can't
 * include <netinet/tcp.h> as well.
 */
#include <linux/tcp.h>

/* Reads what the kernel knows of a connection (tcp(7)). Returns false if `fd` is -1. */
static inline bool tcp_info_read(int fd, struct tcp_info *info)
{
	socklen_t length = sizeof(*info);

	return !getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &length);
}
