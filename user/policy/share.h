/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Paths of the node that the view of a job (view.h) keeps though they lie in folders that it covers. */

#include <jansson.h>
#include <stdbool.h>

#include "lib/failure.h"

/*
 * Adds a path to the list, an array of strings that is made where it is NULL. It need not be there. One that the view does not
 * cover has no force, and the state of jobfence itself would lead around every fence: both are refused. Returns 0, or -errno with
 * STATUS_USAGE.
 */
int share_add(json_t **list, const char *path, struct failure *failure);

/* Whether a path leads to the state of jobfence, or to the folder that has a file for the network namespace of each job. */
bool share_is_own(const char *path);
