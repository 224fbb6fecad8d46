/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <poll.h>

#include "require.h"

#define OPEN_FDS_MAX 128

/* Counts the open descriptors, among the first OPEN_FDS_MAX. */
static inline int open_fds(void)
{
	static struct pollfd fds[OPEN_FDS_MAX];
	int count = 0;

	for (int i = 0; i < OPEN_FDS_MAX; i++)
		fds[i].fd = i;
	require(poll(fds, OPEN_FDS_MAX, 0) >= 0);
	for (int i = 0; i < OPEN_FDS_MAX; i++)
		count += !(fds[i].revents & POLLNVAL);
	return count;
}
