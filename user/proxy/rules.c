// SPDX-License-Identifier: BSD-2-Clause
/* See rules.h. Any error of a map is a no. */

#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "jobfence/address.h"
#include "lib/cleanup.h"
#include "names/address.h"
#include "proxy/bpf_map.h"
#include "proxy/rules.h"

struct rules {
	const struct proxy_settings *settings;
	uint64_t *hits;				  /* map `hits`, as memory */
	const volatile struct job_limits *limits; /* the same */
};

#define HITS_SIZE (DOMAIN_ENTRIES_MAX * sizeof(uint64_t))

int rules_new(const struct proxy_settings *settings, struct rules **rules)
{
	struct rules *new = calloc(1, sizeof(*new));
	void *limits;
	int error;

	if (!new)
		return -ENOMEM;
	new->settings = settings;
	new->hits = mmap(NULL, HITS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, FD_HITS, 0);
	limits = mmap(NULL, sizeof(*new->limits), PROT_READ, MAP_SHARED, FD_LIMITS, 0);
	new->limits = limits;
	*rules = new;
	if (new->hits != MAP_FAILED && limits != MAP_FAILED)
		return 0;
	error = -errno;
	rules_free(TAKE_POINTER(*rules));
	return error;
}

void rules_free(struct rules *rules)
{
	if (!rules)
		return;
	if (rules->hits != MAP_FAILED)
		munmap(rules->hits, HITS_SIZE);
	if (rules->limits != MAP_FAILED)
		munmap((void *)rules->limits, sizeof(*rules->limits));
	free(rules);
}

const volatile struct job_limits *rules_limits(const struct rules *rules)
{
	return rules->limits;
}

/* Finds the entry that decides; with none, `domain` is one that counts nothing. Returns 0 or why not. */
static enum reason decide(
	const struct rules *rules, const struct host *host, struct domain *domain)
{
	struct domain_key key;
	int error;

	host_key(host, &key);
	error = bpf_map_look_up(FD_DOMAINS, &key, domain);
	if (!error)
		return domain->denied ? REASON_DENIED : 0;
	domain->hit = DOMAIN_ENTRIES_MAX;
	return error == -ENOENT && rules->settings->learn ? 0 : REASON_DOMAIN;
}

enum reason rules_check(const struct rules *rules, const struct host *host)
{
	struct domain domain;

	return decide(rules, host, &domain);
}

/* Any that matches will do. */
static bool is_among(
	const struct domain_key *domains, uint32_t count, const struct host *host)
{
	struct domain_key key;

	host_key(host, &key);
	for (uint32_t i = 0; i < count; i++)
		if (domains[i].bits <= key.bits &&
			!memcmp(domains[i].name, key.name, domains[i].bits / 8))
			return true;
	return false;
}

static bool is_guarded_address(
	const struct proxy_settings *settings, const struct address *address)
{
	char text[ADDRESS_TEXT_MAX];
	struct host host;

	address_format(address, text);
	/* It is well-formed; were it not, nobody could tell. */
	return host_parse(text, strlen(text), HOST_NO_BRACKETS, &host) ||
	       is_among(settings->guarded, settings->guarded_count, &host);
}

bool rules_guard_address(const struct rules *rules, const struct address *address)
{
	const struct proxy_settings *settings = rules->settings;
	const struct address plain = address_behind_nat64(address, settings->nat64);

	return settings->guarded_count && (is_guarded_address(settings, address) ||
						  is_guarded_address(settings, &plain));
}

/* Returns whether there was room for the name. */
static bool learn(const struct host *host)
{
	struct learned_key key = {};
	uint64_t count = 0;

	memcpy(key.name, host->name, host->length);
	bpf_map_look_up(FD_LEARNED, &key, &count);
	count++;
	return !bpf_map_update(FD_LEARNED, &key, &count, BPF_ANY);
}

bool rules_allow_ech(const struct rules *rules, const struct host *host)
{
	return is_among(rules->settings->ech, rules->settings->ech_count, host);
}

enum reason rules_use(struct rules *rules, const struct host *host, enum sight sight)
{
	struct domain domain;
	enum reason reason = decide(rules, host, &domain);

	if (reason)
		return reason;
	if (sight != SIGHT_REQUESTS &&
		is_among(rules->settings->guarded, rules->settings->guarded_count, host))
		return REASON_GUARD;
	if (sight == SIGHT_NOTHING && !rules_allow_ech(rules, host))
		return REASON_ECH;
	if (rules->settings->learn && !learn(host))
		return REASON_LIMIT;
	if (domain.hit < DOMAIN_ENTRIES_MAX)
		__atomic_fetch_add(&rules->hits[domain.hit], 1, __ATOMIC_RELAXED);
	return 0;
}

void rules_record_refusal(
	struct rules *rules, enum reason reason, const char *name, size_t length)
{
	struct refusal_key key = { .reason = (uint8_t)reason };
	struct refusal refusal = {};
	struct timespec now;

	(void)rules;
	key.length = (uint8_t)(length < sizeof(key.name) ? length : sizeof(key.name));
	for (size_t i = 0; i < key.length; i++)
		key.name[i] = (char)(name[i] > ' ' && name[i] <= '~' ? name[i] : '?');
	clock_gettime(CLOCK_BOOTTIME, &now);
	bpf_map_look_up(FD_REFUSED, &key, &refusal);
	refusal.count++;
	refusal.last = (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
	/* A full map keeps the names that it has; the job still got its refusal. */
	bpf_map_update(FD_REFUSED, &key, &refusal, BPF_ANY);
}

int rules_destination(const struct rules *rules, const struct endpoint *client,
	uint16_t listener_port, struct endpoint *destination)
{
	const struct connection_key key = { .job = rules->settings->job_key,
		.client = client->address,
		.client_port = client->port,
		.listener_port = listener_port };
	struct connection_entry connection;

	if (bpf_map_look_up(FD_CONNECTIONS, &key, &connection))
		return -ENOENT;
	*destination = connection.destination;
	return 0;
}
