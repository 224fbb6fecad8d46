/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Starts a job's proxy. */

#include "job/job.h"
#include "node/maps.h"

/*
 * Starts the proxy of a job in its cgroup `cgroup`, with its listening sockets in the
 * namespace `netns`. Fills in job->proxy_pid and the endpoints. Tells the programs what
 * the job may do, then waits until the proxy answers. Returns 0 or -errno.
 */
int proxy_start(struct job *job, int cgroup, int netns, bool ipv6,
	const struct job_maps *maps, struct failure *failure);

/*
 * Lets a proxy that runs write the last lines of its request log, and end. It has 200 ms.
 * The caller kills what is left.
 */
void proxy_ask_to_end(const struct job *job);

/*
 * Has a proxy that runs take new values of these secrets, which it has already. Requests
 * that begin afterwards get them. Returns 0, or -errno with the failure noted.
 */
int proxy_give_secrets(
	const struct job *job, const struct secrets *secrets, struct failure *failure);
