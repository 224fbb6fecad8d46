/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "cli/options.h"
#include "lib/failure.h"

/*
 * Prints what this node accepts and what holds its jobs, for schedulers that choose a node:
 * a document with --json, else labels of the form KEY=VALUE. Returns 0 or -errno.
 */
int features_print(const struct options *options, struct failure *failure);
