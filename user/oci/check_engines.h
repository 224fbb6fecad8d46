/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The container engines of this node and how they are set up, for `doctor`. */

#include "lib/findings.h"

/*
 * Adds findings about Docker, Podman and containerd, as far as they are installed. Reads
 * their files, and asks no daemon.
 */
void check_engines(struct findings *findings);
