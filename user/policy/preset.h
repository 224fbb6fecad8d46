/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Presets: files NAME.domains, in the format of --domain-file, with the domains that a
 * package manager or a site needs, and perhaps rules for the requests to them. Presets of
 * the operator are in /etc/jobfence/presets. They replace shipped presets of the same
 * name. The first comment of a file that is no licence is its summary.
 */

#include <jansson.h>

#include "lib/failure.h"
#include "names/domains.h"
#include "names/rule_declaration.h"
#include "node/paths.h"

#define PRESET_NAME_MAX	   63
#define PRESET_SUMMARY_MAX 120

struct preset {
	char name[PRESET_NAME_MAX + 1];
	char path[PATH_SIZE];
	char summary[PRESET_SUMMARY_MAX + 1]; /* empty: it has none */
	struct domains domains;
	struct request_rules rules; /* for requests to the domains */
};

/*
 * Finds the file of a preset. Returns 0, or -errno with STATUS_USAGE if there is no such
 * preset.
 */
int preset_find(const char *name, char path[PATH_SIZE], struct failure *failure);

/*
 * Reads a preset. Returns 0, or -errno as preset_find() and if the file has a mistake.
 * preset_free() is due in either case.
 */
int preset_read(const char *name, struct preset *preset, struct failure *failure);
void preset_free(struct preset *preset);

/*
 * The names of all presets as a sorted JSON array of strings. NULL with the failure
 * noted.
 */
json_t *preset_names(struct failure *failure);
