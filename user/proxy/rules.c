// SPDX-License-Identifier: BSD-2-Clause
/* See rules.h. Any error of a map refuses. */

#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "jobfence/address.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "names/address.h"
#include "proxy/bpf_map.h"
#include "proxy/learning.h"
#include "proxy/rules.h"
#include "proxy/statistics.h"

#define HITS_SIZE    (DOMAIN_ENTRIES_MAX * sizeof(struct domain_use))
#define LATEST_NAMES 16	    /* names that make room for newer ones */
#define REMEMBERED   16	    /* decisions: one for all names with the same hash */
#define MEMORY	     SECOND /* of a decision, for what bpftool changes in the map */

/* What the map said of a name. */
struct decision {
	uint64_t generation; /* in which it was asked */
	uint64_t until;	     /* when it is asked again, ns. 0: at the next question */
	struct host host;
	struct domain domain;
	enum reason reason;
};

struct rules {
	const struct proxy_settings *settings;
	struct domain_use *hits;		  /* map `hits`, as memory */
	const volatile struct job_limits *limits; /* the same */
	/* Names of the map `refused`, in a ring. A reason of 0 marks an empty place. */
	struct refusal_key latest[LATEST_NAMES];
	size_t latest_next;
	struct decision remembered[REMEMBERED];
	struct judge *judge;
};

int rules_new(const struct proxy_settings *settings, const struct secret_store *secrets,
	struct rules **rules)
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
	error = new->hits != MAP_FAILED &&limits != MAP_FAILED
			? judge_new(settings, secrets, &new->judge)
			: -errno;
	if (!error)
		return 0;
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
	judge_free(rules->judge);
	free(rules);
}

const volatile struct job_limits *rules_limits(const struct rules *rules)
{
	return rules->limits;
}

struct judge *rules_judge(const struct rules *rules)
{
	return rules->judge;
}

/* Asks the map for the entry that decides. Without one, the domain counts no hits. */
static void ask(const struct rules *rules, struct decision *decision)
{
	struct domain_key key;
	int error;

	host_key(&decision->host, &key);
	error = bpf_map_look_up(FD_DOMAINS, &key, &decision->domain);
	if (!error) {
		decision->reason = decision->domain.denied ? REASON_DENIED : 0;
		return;
	}
	decision->domain.hit = DOMAIN_ENTRIES_MAX;
	decision->reason = error == -ENOENT && rules->settings->learn ? 0 : REASON_DOMAIN;
	if (error != -ENOENT)
		decision->until = 0;
}

/*
 * Returns the decision on a host. The generation is read before the map is asked. So a
 * change meanwhile leaves the decision with a generation that is over.
 */
static const struct decision *decide(struct rules *rules, const struct host *host)
{
	uint64_t generation = __atomic_load_n(&rules->limits->generation, __ATOMIC_ACQUIRE);
	struct decision *decision = &rules->remembered[host_hash(host) % REMEMBERED];
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	if (decision->until > now && decision->generation == generation &&
		host_equal(&decision->host, host))
		return decision;
	*decision = (struct decision){
		.generation = generation, .until = now + MEMORY, .host = *host
	};
	ask(rules, decision);
	return decision;
}

enum reason rules_check(struct rules *rules, const struct host *host)
{
	return decide(rules, host)->reason;
}

/* Whether a domain matches the host. Any that does will do. */
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
	/* The text is well-formed. If it were not, the address would count as guarded. */
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

bool rules_allow_ech(const struct rules *rules, const struct host *host)
{
	return is_among(rules->settings->ech, rules->settings->ech_count, host);
}

bool rules_intercept(const struct rules *rules, const struct host *host)
{
	return is_among(rules->settings->intercept, rules->settings->intercept_count, host);
}

enum reason rules_use(struct rules *rules, const struct host *host, enum sight sight,
	struct domain_use **use)
{
	const struct decision *decision = decide(rules, host);

	*use = NULL;
	if (decision->reason)
		return decision->reason;
	if (sight != SIGHT_REQUESTS &&
		is_among(rules->settings->guarded, rules->settings->guarded_count, host))
		return REASON_GUARD;
	if (sight != SIGHT_REQUESTS && judge_is_for(rules->judge, host))
		return REASON_RULE;
	if (sight == SIGHT_NOTHING && !rules_allow_ech(rules, host))
		return REASON_ECH;
	if (rules->settings->learn && !learning_note_host(host))
		return REASON_LIMIT;
	if (decision->domain.hit < DOMAIN_ENTRIES_MAX) {
		*use = &rules->hits[decision->domain.hit];
		statistics_add(&(*use)->requests, 1);
	}
	return 0;
}

static void set_name(struct refusal_key *key, const char *name, size_t length)
{
	memset(key->name, 0, sizeof(key->name));
	key->length = (uint8_t)(length < sizeof(key->name) ? length : sizeof(key->name));
	memcpy(key->name, name, key->length);
}

static void add_refusals(const struct refusal_key *key, uint64_t count, uint64_t now)
{
	struct refusal refusal = {};

	bpf_map_look_up(FD_REFUSED, key, &refusal);
	refusal.count += count;
	refusal.last = now;
	bpf_map_update(FD_REFUSED, key, &refusal, BPF_ANY);
}

static void add_to_others(uint8_t reason, uint64_t count, uint64_t now)
{
	struct refusal_key others = { .reason = reason };

	set_name(&others, OTHER_NAMES, sizeof(OTHER_NAMES) - 1);
	add_refusals(&others, count, now);
}

/*
 * Removes the oldest of the latest names, and counts it among the others. Returns whether
 * there was one.
 *
 * The map itself can't be searched for the oldest. A process that may ask for its keys may
 * also ask for those of the map of connections, which tell of other jobs.
 */
static bool make_room(struct rules *rules, uint64_t now)
{
	struct refusal_key *oldest = NULL;
	struct refusal refusal = {};

	for (size_t i = 0; i < LATEST_NAMES && !oldest; i++) {
		oldest = &rules->latest[(rules->latest_next + i) % LATEST_NAMES];
		oldest = oldest->reason ? oldest : NULL;
	}
	if (!oldest)
		return false;
	bpf_map_look_up(FD_REFUSED, oldest, &refusal);
	if (!bpf_map_delete(FD_REFUSED, oldest))
		add_to_others(oldest->reason, refusal.count, now);
	oldest->reason = 0;
	return true;
}

/* Notes a name for the first time. */
static void add_name(struct rules *rules, const struct refusal_key *key, uint64_t now)
{
	const struct refusal refusal = { .count = 1, .last = now };
	int error = bpf_map_update(FD_REFUSED, key, &refusal, BPF_NOEXIST);

	/*
	 * Try more than once. The entry of the others may take the first place that becomes
	 * free.
	 */
	while (error == -E2BIG && make_room(rules, now))
		error = bpf_map_update(FD_REFUSED, key, &refusal, BPF_NOEXIST);
	/* A worker that has just begun knows no name that could make room. */
	if (error) {
		add_to_others(key->reason, 1, now);
		return;
	}
	rules->latest[rules->latest_next] = *key;
	rules->latest_next = (rules->latest_next + 1) % LATEST_NAMES;
}

void rules_record_refusal(
	struct rules *rules, enum reason reason, const char *name, size_t length)
{
	struct refusal_key key = { .reason = (uint8_t)reason };
	struct refusal refusal = {};
	uint64_t now = clock_ns(CLOCK_BOOTTIME);

	statistics_add(&statistics->refused[reason], 1);
	set_name(&key, name, length);
	for (size_t i = 0; i < key.length; i++)
		if (name[i] <= ' ' || name[i] > '~')
			key.name[i] = '?';
	if (bpf_map_look_up(FD_REFUSED, &key, &refusal))
		add_name(rules, &key, now);
	else
		add_refusals(&key, 1, now);
}

int rules_origin(const struct rules *rules, const struct endpoint *client,
	uint16_t listener_port, struct origin *origin)
{
	const struct connection_key key = { .job = rules->settings->job_key,
		.client = client->address,
		.client_port = client->port,
		.listener_port = listener_port };
	struct connection_entry connection;

	if (bpf_map_look_up(FD_CONNECTIONS, &key, &connection))
		return -ENOENT;
	*origin = connection.origin;
	return 0;
}
