/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The file systems and folders that jobs are kept in. */

#include "lib/findings.h"

/* Adds findings about cgroup v2, bpffs and the folders of jobs. Changes nothing. */
void check_mounts(struct findings *findings);
