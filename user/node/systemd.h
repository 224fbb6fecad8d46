/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Slices of systemd, which is asked by D-Bus. The library for that is loaded when it is
 * needed.
 */

#include "lib/failure.h"

/*
 * Looks whether systemd is the node's first process, and loads the library. The functions
 * below do the same. Returns 0, or -errno with the failure noted.
 */
int systemd_load(struct failure *failure);

/*
 * Makes the transient slice `unit` and waits until it is active. Its cgroup then exists.
 * systemd forgets the slice once it is stopped. Returns 0 or -errno.
 */
int systemd_start_slice(const char *unit, struct failure *failure);

/*
 * Stops the slice `unit` and every unit in it, and waits until its cgroup is removed.
 * Returns 0, also if there is no such slice, or -errno.
 */
int systemd_stop_slice(const char *unit, struct failure *failure);
