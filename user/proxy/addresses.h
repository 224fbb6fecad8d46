/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Which addresses the proxy may dial. The programs on its cgroup ask for the class of an
 * address again; that an address is the node's own only these rules know.
 */

#include <stdbool.h>

#include "proxy/settings.h"

struct address_rules;

/*
 * To be called before the sandbox closes, with `settings` living on. Returns 0 or -errno.
 */
int address_rules_new(const struct proxy_settings *settings, struct address_rules **rules);
void address_rules_free(struct address_rules *rules);

/*
 * Whether an address may be dialled: it is in a range that the job's --allow-address names;
 * or it is public and, by the routes of this moment, not the node's own. Any error is a no.
 */
bool address_may_be_dialled(struct address_rules *rules, const struct address *address);
