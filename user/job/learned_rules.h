/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The requests that a learning job made to the domains whose TLS was opened. The proxy
 * noted them. They become rules for methods and paths (names/request_rule.h), no more than
 * a job may have.
 */

#include <stddef.h>
#include <stdint.h>

#include "jobfence/abi.h"

#define LEARNED_SIBLINGS 4 /* paths of one folder that become a rule for the folder */

struct learned_rule {
	uint64_t count; /* of requests */
	char text[REQUEST_RULES_SIZE];
};

struct learned_rules {
	size_t count;
	size_t left_out; /* hosts without a rule, as there would be too many rules */
	struct learned_rule list[REQUEST_RULES_MAX];
};

/*
 * Reads the map, and makes rules of it, sorted by use. Where a method was used for `least`
 * (2 or more) paths of one folder, the rule is for the folder. The deepest folders come
 * first, and count as one path for the folder above. If the rules are too many all the
 * same, more folders take the place of paths. In the end the hosts that were used least
 * get no rules.
 *
 * The caller frees `*rules` with free(3). Returns 0 or -errno.
 */
int learned_rules_read(int map, size_t least, struct learned_rules **rules);

/* Makes rules of what the proxy noted, as learned_rules_read() does. */
int learned_rules_make(const struct learned_rule_key *keys, const uint64_t *counts,
	size_t count, size_t least, struct learned_rules **rules);
