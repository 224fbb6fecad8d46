/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The certificates of a job (job/trust.h) where its commands look for them. The places are
 * covered in the mount namespace of the job. A place that the node has not is left out.
 */

#include "job/job.h"

/*
 * Copies the mount of the job's folder, before the view covers it. `*tree` stays -1 if no
 * TLS of the job is opened. Returns 0 or -errno.
 */
int trust_view_keep(const struct job *job, int *tree);

/* Attaches the folder, and its files at their places. -1: does nothing. */
int trust_view_mount(int tree);
