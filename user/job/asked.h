/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The socket by which later commands ask the supervisor of a job's proxy for something.
 * They may be in another PID namespace, where they could not signal it. The byte in a named
 * pipe could be read by whoever may read the folder.
 */

#include "job/job.h"

/* Makes the socket, in the folder of the job. Returns a descriptor or -errno. */
int asked_open(const struct job *job);

/* The most descriptors of a message. */
#define ASKED_FDS_MAX 2

/*
 * Sends a message with `count` descriptors. One without any asks for the end. Returns 0, or
 * -errno. -ECONNREFUSED: no supervisor is there any more.
 */
int asked_send(const struct job *job, const int *fds, size_t count);
