/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * These rules decide which addresses the proxy may dial. The programs on its cgroup check
 * the class of an address again. Only these rules know whether an address is the node's
 * own.
 */

#include <stdbool.h>

#include "proxy/settings.h"

struct address_rules;

/*
 * Call before the sandbox closes. `settings` must outlive the rules. Returns 0 or -errno.
 */
int address_rules_new(const struct proxy_settings *settings, struct address_rules **rules);

/*
 * Whether the proxy may dial an address. One of these must hold:
 *
 *	the address is in a range that the job's --allow-address names
 *	the address is public and, by the routes of this moment, not the node's own
 *
 * Any error counts as a no.
 */
bool address_may_be_dialled(struct address_rules *rules, const struct address *address);
