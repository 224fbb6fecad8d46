/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Paths of the node that a job sees all the same, though its view (command/view.h) covers
 * the folders above them.
 */

#include <jansson.h>
#include <stdbool.h>

#include "lib/failure.h"

/*
 * Adds a path to the list, an array of strings that is made if it is NULL. The path may
 * be missing. Two kinds of paths are refused: a path that the view does not cover has no
 * effect, and the state of jobfence itself would lead around every fence. Returns 0, or
 * -errno with STATUS_USAGE.
 */
int share_add(json_t **list, const char *path, struct failure *failure);

/*
 * Whether a path leads to the state of jobfence, or to the folder with the network
 * namespaces of all jobs.
 */
bool share_is_own(const char *path);
