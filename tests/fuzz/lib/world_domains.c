// SPDX-License-Identifier: BSD-2-Clause
/* See world_domains.h. The functions of bpf_map.h replace those of the proxy itself. */

#include "world_domains.h"

#include <errno.h>
#include <string.h>

#include "jobfence/proxy.h"
#include "names/domains.h"
#include "proxy/bpf_map.h"
#include "require.h"

#define KEYS_MAX 16

static bool withdrawn;
static struct {
	struct domain_key key;
	struct domain domain;
} domains[KEYS_MAX];
static size_t domains_count;

bool world_keeps_secret(const struct host *host)
{
	return world_opens(host);
}

bool world_judges(const struct host *host)
{
	return !strcmp(host->name, "r.test");
}

bool world_opens(const struct host *host)
{
	return !strcmp(host->name, "t.test");
}

bool world_allows(const struct host *host)
{
	static const char below[] = ".b.test";
	const char *name = host->name;
	bool is_below = host->length > strlen(below) &&
			!strcmp(name + host->length - strlen(below), below);

	if (!strcmp(name, "a.test"))
		return !withdrawn;
	return !strcmp(name, "g.test") || !strcmp(name, "b.test") || world_judges(host) ||
	       world_opens(host) || !strcmp(name, "203.0.113.7") ||
	       !strcmp(name, "2001:db8::7") || (is_below && strcmp(name, "x.b.test") != 0);
}

int bpf_map_look_up(int map, const void *key, void *value)
{
	const struct domain_key *wanted = key;
	uint32_t longest = 0;

	if (map != FD_DOMAINS)
		return -ENOENT;
	for (size_t i = withdrawn ? 1 : 0; i < domains_count; i++) {
		const struct domain_key *entry = &domains[i].key;

		if (entry->bits <= longest || entry->bits > wanted->bits ||
			memcmp(entry->name, wanted->name, entry->bits / 8) != 0)
			continue;
		longest = entry->bits;
		*(struct domain *)value = domains[i].domain;
	}
	return longest ? 0 : -ENOENT;
}

int bpf_map_update(int map, const void *key, const void *value, unsigned long long flags)
{
	const struct refusal_key *refused = key;

	(void)value;
	(void)flags;
	require(map == FD_REFUSED && refused->reason && refused->reason < REASON_COUNT);
	for (size_t i = 0; i < refused->length; i++)
		require(refused->name[i] > ' ' && refused->name[i] <= '~');
	return 0;
}

/* The map is never full. */
int bpf_map_delete(int map, const void *key)
{
	(void)map;
	(void)key;
	return -ENOENT;
}

static void declare(const char *text, bool denied)
{
	struct domains one = {};
	struct domain_key keys[2];
	size_t count;

	require(!domains_add(&one, text, strlen(text), NULL));
	count = declared_domain_keys(&one.list[0], keys);
	for (size_t i = 0; i < count; i++) {
		domains[domains_count].key = keys[i];
		domains[domains_count].domain =
			(struct domain){ .hit = (uint32_t)i, .denied = denied };
		domains_count++;
	}
	domains_free(&one);
}

void world_domains_declare(void)
{
	declare("a.test", false); /* the first one, which bpf_map_look_up() leaves out */
	declare(".b.test", false);
	declare("x.b.test", true);
	declare("g.test", false);
	declare("r.test", false);
	declare("t.test", false);
	declare("203.0.113.7", false);
	declare("2001:db8::7", false);
}

void world_domains_withdraw(bool withdraw)
{
	withdrawn = withdraw;
}
