/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Starting a job's proxy. */

#include "core/job.h"
#include "core/maps.h"

/*
 * Starts the proxy of a job in its cgroup `cgroup`, with its listening sockets in the namespace `netns`, and fills in
 * job->proxy_pid and the endpoints. Returns 0 once the sockets are there: job_proxy_wait() waits for the rest.
 * `*ready` is then a descriptor for that.
 */
int proxy_launch(struct job *job, int cgroup, int netns, bool ipv6,
	const struct job_maps *maps, int *ready, struct failure *failure);

/* Waits until the proxy answers. Returns 0 or -errno. */
int proxy_wait(const struct job *job, int ready, struct failure *failure);
