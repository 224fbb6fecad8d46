/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What a job that learns is seen to do. It goes into maps, which outlive the worker:
 * names that it used, and requests to the domains whose TLS the proxy opens.
 */

#include <stdbool.h>

#include "names/host.h"
#include "proxy/http_head.h"

/* Notes that the job used a host. Returns whether there was room. */
bool learning_note_host(const struct host *host);

/*
 * Notes a request as the rule that would allow it (names/request_rule.h). `path` may be
 * canonical or not, and may have a query. A path that no rule can name is noted as the
 * folder that it is in. The same holds for one that the map has no room for.
 *
 * No rule is for a path without a canonical form, or with an encoded question mark or
 * number sign. Such a request is not noted.
 *
 * Returns false if there was no room for any rule.
 */
bool learning_note_request(
	const struct host *host, const struct slice *method, const struct slice *path);
