/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A seccomp filter for commands that jobfence itself starts: sockets of the families unix, inet, inet6 and netlink
 * only, as in the programs' `socket_create`. One more lock where the kernel has no BPF LSM. And no keys of the
 * user's, and no input into a terminal.
 */

#include <stdbool.h>

/* Installs it for the calling process and all that it starts; without the part on sockets unless `sockets`.
 * Returns 0 or -errno. */
int command_filter_install(bool sockets);
