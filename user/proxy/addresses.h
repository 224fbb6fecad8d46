/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Which addresses the proxy may dial. The programs on its cgroup ask for the class of an address again; that an address is
 * the node's own only the guard knows.
 */

#include <stdbool.h>

#include "proxy/settings.h"

struct guard;

/* To be called before the sandbox closes, with `settings` living on. Returns 0 or -errno. */
int guard_new(const struct proxy_settings *settings, struct guard **guard);
void guard_free(struct guard *guard);

/*
 * Whether an address may be dialled: it is in a range that the job's --allow-address names; or it is public and, by the
 * routes of this moment, not the node's own. Any error is a no.
 */
bool guard_allows(struct guard *guard, const struct address *address);
