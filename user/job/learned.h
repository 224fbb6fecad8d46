/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The names that a learning job used, as its proxy noted them, and as domains to declare next time. */

#include <stdint.h>
#include <stdio.h>

#include "job/job.h"
#include "names/domains.h"

struct learned_domain {
	struct declared_domain domain;
	uint64_t count; /* requests and tunnels */
	size_t names;	/* that it stands for */
};

struct learned {
	size_t count;
	struct learned_domain domains[LEARNED_MAX];
};

/* Opens the map of a job that is up. It can be read for as long as it is open, also when the job is gone. Returns a
 * descriptor or -errno; -ENOENT: the job does not learn. */
int learned_open(const struct job_paths *paths);

/* Reads the map, most used first. `*learned` is the caller's to free(3). Returns 0 or -errno. */
int learned_read(int map, struct learned **learned);

/*
 * Puts a wildcard in the place of names where `least` (2 or more) or more of them are below one parent, the narrowest
 * such parent first; a wildcard counts as one name for the parents above it. A public suffix is never a parent.
 */
void learned_collapse(struct learned *learned, size_t least);

/* Writes them in the format of --domain-file. Returns 0 or -EIO. */
int learned_write(const struct learned *learned, const char *job, FILE *file);
