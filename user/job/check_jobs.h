/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* This installation, and the jobs of the node and what they left, for `doctor`. */

#include "lib/findings.h"

/* Adds findings about the programs of this installation and about jobs. */
void check_jobs(struct findings *findings);
