// SPDX-License-Identifier: BSD-2-Clause
/* See detours.h. */

#include <errno.h>
#include <string.h>

#include "lib/detours.h"

#define IO_URING "io_uring_"

const struct detour detours[DETOURS] = {
	{ IO_URING "setup", ENOSYS },
	{ IO_URING "enter", ENOSYS },
	{ IO_URING "register", ENOSYS },
	{ "request_key", EPERM },
	{ "socketcall", EPERM },
};

bool socket_call_allows(enum socket_call call, int family)
{
	if (call == CALL_SOCKETPAIR)
		return family == AF_UNIX;
	return family == AF_UNIX || family == AF_INET || family == AF_INET6 ||
	       family == AF_NETLINK;
}

bool detour_is(const char *name)
{
	for (size_t i = 0; i < DETOURS; i++)
		if (!strcmp(name, detours[i].name))
			return true;
	return !strncmp(name, IO_URING, sizeof(IO_URING) - 1);
}
