/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the programs know of a job, in the storage of its cgroups. */

#include "job/job.h"
#include "node/maps.h"

/* Tells the programs what the job was given. The storage is there once the programs are attached.
 * Returns 0 or -errno. */
int state_write(
	const struct job *job, const struct job_maps *maps, struct failure *failure);

/* Gives the programs and the proxy the rate of job->spec. Returns 0 or -errno. */
int state_write_rate(const struct job *job, const struct job_maps *maps);

/* How long, in ns, a packet would have to wait now for the kernel to pace it. Returns 0 or -errno. */
int state_read_delays(const struct job *job, const struct job_maps *maps, uint64_t *upload,
	uint64_t *download);

/* Takes everything back that state_write() gave: from now on all is refused, and no connection is known. Returns 0, also
 * where there is no storage, or -errno. */
int state_clear(const struct job_maps *maps, uint64_t id, uint64_t proxy_id);
