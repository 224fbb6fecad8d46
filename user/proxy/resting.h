/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Sites that could not be connected at any of their addresses. Such a site rests: for a
 * second at first, and twice as long each time it fails again, up to four. Requests to it
 * fail at once then, as the last try did, and send nothing.
 */

#include <stdbool.h>
#include <stdint.h>

#include "jobfence/abi.h"
#include "names/host.h"

#define RESTING_MAX 64

struct resting_site {
	uint64_t key;	/* of host and port, 0: none */
	uint64_t until; /* ns */
	uint64_t rest;	/* ns */
	int status;	/* -errno of the last try */
	struct address address;
};

/* The sites that are remembered. A new one takes the place of another. */
struct resting {
	struct resting_site sites[RESTING_MAX];
};

/* Returns the site if it rests at `now`, in ns, or NULL. */
const struct resting_site *resting_find(const struct resting *resting,
	const struct host *host, uint16_t port, uint64_t now);

/*
 * Notes that all tries failed. `address` is that of the last one. A failure that is not the
 * site's is not noted.
 */
void resting_note(struct resting *resting, const struct host *host, uint16_t port,
	int status, const struct address *address, uint64_t now);

/* Notes that the site was connected. */
void resting_forget(struct resting *resting, const struct host *host, uint16_t port);
