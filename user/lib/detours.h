/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The sockets that a job may make by a system call, and the other calls that bypass this
 * rule. The filter of a command (command/command_filter.h) and that of a container
 * (oci/seccomp.h) refuse the same calls.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define SOCKET_FAMILY_LAST AF_NETLINK /* the highest allowed family */

/* The calls that take the family of the new socket as their first argument. */
enum socket_call { CALL_SOCKET, CALL_SOCKETPAIR };

/*
 * Whether a job may make sockets of a family (AF_*) by that call. Only Unix and TIPC
 * sockets come in pairs.
 */
bool socket_call_allows(enum socket_call call, int family);

/*
 * The calls that bypass the rule, and the error that programs handle best.
 *
 *	socketcall	makes sockets of a family that lies in memory
 *	io_uring_*	make sockets without a system call for each
 *	request_key	makes a program of the node look for a key. For a key of the
 *			resolver it does so in the node's network (request-key.conf(5)).
 */
struct detour {
	const char *name;
	int error; /* ENOSYS: programs go on as on a kernel without the call */
};

#define DETOURS 5
extern const struct detour detours[DETOURS];

/* Whether a call is in the table, or is a call of io_uring that is not known yet. */
bool detour_is(const char *name);
