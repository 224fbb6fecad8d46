/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The names that a learning job used. The proxy noted them, and they become domains to
 * declare next time.
 */

#include <stdint.h>
#include <stdio.h>

#include "job/job.h"
#include "job/learned_rules.h"
#include "names/domains.h"

struct learned_domain {
	struct declared_domain domain;
	uint64_t count; /* requests and tunnels */
	size_t names;	/* names that this domain stands for */
};

struct learned {
	size_t count;
	struct learned_domain domains[LEARNED_MAX];
};

/* Maps of a job, as descriptors. -1: not open. They can be read after the job has ended. */
struct learned_maps {
	int names, rules;
};

#define LEARNED_MAPS_NONE \
	{ \
		-1, -1 \
	}

/* Opens the maps of a job that is up. Returns 0 or -errno. -ENOENT: it does not learn. */
int learned_open(const struct job_paths *paths, struct learned_maps *maps);
void learned_close(struct learned_maps *maps);

/*
 * Reads the map, sorted by use, the most used name first. The caller frees `*learned`
 * with free(3). Returns 0 or -errno.
 */
int learned_read(int map, struct learned **learned);

/*
 * Merges the names below one parent into a wildcard if there are at least `least` (2 or
 * more). The narrowest parents come first. For the parents above it a wildcard counts
 * as one name. A public suffix is never a parent.
 */
void learned_collapse(struct learned *learned, size_t least);

/* Writes domains and rules in the format of --domain-file. Returns 0 or -EIO. */
int learned_write(const struct learned *learned, const struct learned_rules *rules,
	const char *job, FILE *file);
