/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Which sockets a job may make by a system call, and which other calls lead around that
 * rule. The filter of a command (command/command_filter.h) and that of a container
 * (oci/seccomp.h) refuse the same calls.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define SOCKET_FAMILY_LAST AF_NETLINK /* the highest that is allowed */

/* The calls whose first argument is the family of the sockets that they make. */
enum socket_call { CALL_SOCKET, CALL_SOCKETPAIR };

/*
 * Whether a job may have sockets of a family (AF_*) by that call. Besides Unix sockets only
 * those of TIPC come in pairs.
 */
bool socket_call_allows(enum socket_call call, int family);

/*
 * The calls that lead around the rule, and the error that programs take best.
 *
 *	socketcall	makes sockets of a family that lies in memory
 *	io_uring_*	make sockets without a call of their own
 *	request_key	has a program of the node look for a key, in the node's network where
 *			the key is the resolver's (request-key.conf(5))
 */
struct detour {
	const char *name;
	int error; /* ENOSYS: programs do without, as on a kernel that lacks the call */
};

#define DETOURS 5
extern const struct detour detours[DETOURS];

/* Whether a call is one of them, or one of io_uring's that is not known yet. */
bool detour_is(const char *name);
