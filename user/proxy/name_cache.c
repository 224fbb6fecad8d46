// SPDX-License-Identifier: BSD-2-Clause
/* See name_cache.h. Places are filled from the first one on. */

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lib/clock.h"
#include "proxy/name_cache.h"

void name_cache_clear(struct name_cache *cache)
{
	for (size_t i = 0; i < NAMES_MAX && cache->names[i].length; i++)
		cache->names[i].length = 0;
}

static bool is_of(const struct known_name *known, const struct host *host)
{
	return known->length == host->length &&
	       !memcmp(known->name, host->name, host->length);
}

static struct known_name *find(struct name_cache *cache, const struct host *host)
{
	for (size_t i = 0; i < NAMES_MAX && cache->names[i].length; i++)
		if (is_of(&cache->names[i], host))
			return &cache->names[i];
	return NULL;
}

struct known_name *name_cache_get(struct name_cache *cache, const struct host *host)
{
	struct known_name *known = find(cache, host), *oldest = cache->names;

	if (known) {
		known->used = ++cache->uses;
		return known;
	}
	for (size_t i = 0; i < NAMES_MAX && oldest->length; i++)
		if (!cache->names[i].length || cache->names[i].used < oldest->used)
			oldest = &cache->names[i];
	oldest->length = host->length;
	memcpy(oldest->name, host->name, host->length);
	oldest->used = ++cache->uses;
	oldest->until = oldest->asked_until = 0;
	return oldest;
}

void name_cache_keep(struct known_name *known, const struct resolved *resolved,
	uint32_t seconds, uint64_t now)
{
	uint32_t most = resolved->error ? NEGATIVES_MAX : SECONDS_MAX;

	known->until = 0;
	if (!seconds || (resolved->error && resolved->error != -ENOENT))
		return;
	known->resolved = *resolved;
	known->until = now + (seconds < most ? seconds : most) * SECOND;
}
