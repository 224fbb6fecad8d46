/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The seccomp filter of commands that jobfence itself starts. It allows only sockets of
 * the families unix, inet, inet6 and netlink, as the BPF program `socket_create` does.
 * The filter also protects nodes whose kernel has no BPF LSM. It refuses the keys of the
 * user, and input into a terminal.
 */

#include <stdbool.h>

/*
 * Installs the filter for the calling process and all processes that it starts. Without
 * `sockets` the part on sockets is left out. Returns 0 or -errno.
 */
int command_filter_install(bool sockets);
