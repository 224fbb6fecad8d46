/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The domains of a running job, as the proxy looks them up. */

#include "job/job.h"
#include "node/maps.h"

/*
 * Makes the map of a running job hold the domains of its spec, and writes its record. A
 * domain that stays keeps its counter. Denied domains stay. The order is that of
 * job_update(): new domains, the record, old domains.
 *
 * Returns 0 or -errno. `failure` is noted only if the record could not be written, and
 * then the map allows what it allowed.
 */
int domain_map_replace(
	const struct job *job, const struct job_maps *maps, struct failure *failure);
