// SPDX-License-Identifier: BSD-2-Clause
/*
 * See resolve.h. A look-up tries these, in order:
 *
 *	the text of the name, if it is an address
 *	what is remembered of the name
 *	/etc/hosts, unless it is known not to have the name
 *	a query (query.h), which may be under way for other look-ups
 *
 * A query that is under way is a flight. It has a list of the look-ups that wait for it. If
 * the last of them is cancelled, the flight ends and its query is abandoned. The reason may
 * be that the name is not allowed any more.
 *
 * A remembered result was true of /etc/hosts, too. So all of them are forgotten when the
 * file changes. Results are handed on from the loop, never from within a call of the
 * look-up's owner.
 */

#include <ares.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "jobfence/address.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "names/hosts.h"
#include "proxy/addresses.h"
#include "proxy/failed_addresses.h"
#include "proxy/query.h"
#include "proxy/resolve.h"
#include "proxy/statistics.h"

/* A query that look-ups wait for. */
struct flight {
	struct resolver *resolver;
	struct host host;
	struct query *query;
	struct lookup *lookups;
	unsigned hosts; /* resolver->hosts as it began */
	uint64_t began; /* ns of loop_now() */
	struct flight *next;
};

struct resolver {
	struct loop *loop;
	struct address_rules *address_rules;
	struct nameservers nameservers;
	struct flight *flights;
	struct name_cache cache;
	struct failed_addresses failed;
	struct hosts_stamp hosts_stamp;
	unsigned hosts; /* how often /etc/hosts changed */
};

static void lookup_end(struct lookup *lookup, const struct resolved *resolved)
{
	struct resolver *resolver = lookup->resolver;

	lookup->status = resolved->error;
	lookup->answer = resolved->answer;
	lookup->who = resolved->who;
	lookup->count = resolved->count;
	memcpy(lookup->addresses, resolved->addresses, sizeof(lookup->addresses));
	failed_addresses_sort(&resolver->failed, lookup->addresses, lookup->count,
		loop_now(resolver->loop));
	lookup->flight = NULL;
	loop_defer(resolver->loop, &lookup->deferred);
}

static void lookup_deferred(struct deferred *deferred)
{
	struct lookup *lookup = container_of(deferred, struct lookup, deferred);

	if (!lookup->resolver)
		return;
	lookup->resolver = NULL;
	lookup->done(lookup, lookup->status);
}

int resolver_new(struct loop *loop, const struct proxy_settings *settings,
	struct resolver **resolver)
{
	struct resolver *new = calloc(1, sizeof(*new));
	int error = new ? address_rules_new(settings, &new->address_rules) : -ENOMEM;

	for (size_t i = 0; !error && i < RESOLVERS_MAX; i++)
		if (settings->resolvers[i].port)
			error = nameserver_new(loop, &settings->resolvers[i],
				&new->nameservers.list[new->nameservers.count++]);
	if (error)
		return error; /* and the process ends */
	new->loop = new->nameservers.loop = loop;
	*resolver = new;
	return 0;
}

/* Adds an address, once. Returns 0, or -EACCES if it may not be dialled. */
static int add_address(
	struct resolver *resolver, struct resolved *resolved, const struct address *address)
{
	for (size_t i = 0; i < resolved->count; i++)
		if (address_equal(&resolved->addresses[i], address))
			return 0;
	if (!address_may_be_dialled(resolver->address_rules, address)) {
		resolved->addresses[0] = *address;
		resolved->count = 1;
		return -EACCES;
	}
	if (resolved->count < RESOLVED_MAX)
		resolved->addresses[resolved->count++] = *address;
	return 0;
}

/*
 * The families take turns (RFC 8305 section 4), so one that leads nowhere costs one try.
 * IPv4 begins, since more nodes have IPv6 in name only than IPv4.
 */
static int add_found(struct resolver *resolver, struct resolved *resolved,
	const struct query_result *result)
{
	const struct found *ipv4 = result->found[IPV4], *ipv6 = result->found[IPV6];
	size_t count4 = ipv4 ? ipv4->count : 0, count6 = ipv6 ? ipv6->count : 0;
	int error = 0;

	for (size_t i = 0; (i < count4 || i < count6) && !error; i++) {
		if (i < count4)
			error = add_address(resolver, resolved, &ipv4->addresses[i]);
		if (i < count6 && !error)
			error = add_address(resolver, resolved, &ipv6->addresses[i]);
	}
	return error;
}

static int status_to_error(int status)
{
	switch (status) {
	case ARES_SUCCESS:
	case ARES_ENOTFOUND:
	case ARES_ENODATA:
	case ARES_EBADNAME:
		return -ENOENT;
	case ARES_ETIMEOUT:
		return -ETIMEDOUT;
	default:
		return -EHOSTUNREACH;
	}
}

/* For how many seconds the result of a query may be remembered. */
static uint32_t seconds_of(
	const struct query_result *result, const struct resolved *resolved)
{
	uint32_t seconds = UINT32_MAX;

	if (resolved->error && result->status != ARES_ENOTFOUND &&
		result->status != ARES_ENODATA)
		return 0;
	for (enum family family = 0; family < FAMILIES; family++) {
		const struct found *found = result->found[family];

		/* Beside addresses, the no of the other family does not count. */
		if (found && (found->count || resolved->error) && found->seconds < seconds)
			seconds = found->seconds;
	}
	return seconds;
}

static void resolved_init(const struct resolver *resolver, struct resolved *resolved)
{
	*resolved = (struct resolved){ .answer = ARES_ETIMEOUT,
		.who = *nameserver_address(resolver->nameservers.list[0]) };
}

/* Takes the flight off the list. The caller has its memory. */
static void flight_remove(struct flight *flight)
{
	struct flight **place = &flight->resolver->flights;

	while (*place != flight)
		place = &(*place)->next;
	*place = flight->next;
}

static void landed(void *owner, const struct query_result *result)
{
	_free_ struct flight *flight = owner;
	struct resolver *resolver = flight->resolver;
	struct resolved resolved;

	statistics_time(&statistics->dns, loop_now(resolver->loop) - flight->began);
	resolved_init(resolver, &resolved);
	resolved.answer = result->status;
	if (result->from)
		resolved.who = *result->from;
	resolved.error = add_found(resolver, &resolved, result);
	if (!resolved.error && !resolved.count)
		resolved.error = status_to_error(result->status);
	if (flight->hosts == resolver->hosts)
		name_cache_keep(name_cache_get(&resolver->cache, &flight->host), &resolved,
			seconds_of(result, &resolved), loop_now(resolver->loop));
	flight_remove(flight);
	while (flight->lookups) {
		struct lookup *lookup = flight->lookups;

		flight->lookups = lookup->next;
		lookup_end(lookup, &resolved);
	}
}

static struct flight *find_flight(const struct resolver *resolver, const struct host *host)
{
	struct flight *flight = resolver->flights;

	while (flight && !host_equal(&flight->host, host))
		flight = flight->next;
	return flight;
}

/* Returns 0, -ENOMEM, or -EBUSY. */
static int join_flight(
	struct resolver *resolver, const struct host *host, struct lookup *lookup)
{
	struct flight *flight = find_flight(resolver, host);
	_free_ struct flight *new = flight ? NULL : calloc(1, sizeof(*new));
	int error;

	if (flight) {
		lookup->flight = flight;
		lookup->next = flight->lookups;
		flight->lookups = lookup;
		return 0;
	}
	if (!new)
		return -ENOMEM;
	*new = (struct flight){ .resolver = resolver,
		.host = *host,
		.lookups = lookup,
		.hosts = resolver->hosts,
		.began = loop_now(resolver->loop),
		.next = resolver->flights };
	error = query_new(&resolver->nameservers, host->name, landed, new, &new->query);
	if (error)
		return error;
	lookup->flight = resolver->flights = flight = TAKE_POINTER(new);
	lookup->next = NULL;
	query_start(flight->query);
	return 0;
}

/* Collects the addresses of names that are the node's own. Returns how many there are. */
static size_t look_up_node(const struct host *host, struct address addresses[RESOLVED_MAX])
{
	static const struct address loopback6 = { .bytes = { [15] = 1 } };
	size_t count = hosts_look_up(host->name, addresses, RESOLVED_MAX);

	if (count || !host_is_below(host, "localhost"))
		return count;
	address_from_ipv4(&addresses[0], htonl(INADDR_LOOPBACK)); /* RFC 6761 section 6.3 */
	addresses[1] = loopback6;
	return 2;
}

/* Returns what is known of a name. If it is too old, the node itself does not know more. */
static struct known_name *look_up_known(struct resolver *resolver, const struct host *host)
{
	uint64_t now = loop_now(resolver->loop);
	struct resolved resolved = {};
	struct known_name *known;

	if (hosts_have_changed(&resolver->hosts_stamp)) {
		name_cache_clear(&resolver->cache);
		resolver->hosts++;
	}
	known = name_cache_get(&resolver->cache, host);
	if (now < known->until || now < known->asked_until)
		return known;
	known->asked_until = now + SECONDS_MAX * SECOND;
	resolved.count = look_up_node(host, resolved.addresses);
	if (resolved.count)
		name_cache_keep(known, &resolved, SECONDS_MAX, now);
	return known;
}

/*
 * Looks up names that need no query. Returns whether there is a result, which may be an
 * error.
 */
static bool look_up_here(
	struct resolver *resolver, const struct host *host, struct resolved *resolved)
{
	const struct known_name *known;

	if (host->literal) {
		resolved->error = add_address(resolver, resolved, &host->address);
		return true;
	}
	known = look_up_known(resolver, host);
	if (loop_now(resolver->loop) < known->until) {
		resolved->answer = known->resolved.answer;
		resolved->who = known->resolved.who;
		resolved->error = known->resolved.error;
		for (size_t i = 0; i < known->resolved.count && !resolved->error; i++)
			resolved->error = add_address(
				resolver, resolved, &known->resolved.addresses[i]);
		return true;
	}
	if (!host_is_below(host, "onion")) /* RFC 7686 section 2 */
		return false;
	resolved->answer = ARES_ENOTFOUND;
	resolved->error = -ENOENT;
	return true;
}

void resolver_look_up(
	struct resolver *resolver, const struct host *host, struct lookup *lookup)
{
	struct resolved resolved;

	statistics_add(&statistics->lookups, 1);
	resolved_init(resolver, &resolved);
	lookup->resolver = resolver;
	lookup->deferred.run = lookup_deferred;
	lookup->count = 0;
	lookup->flight = NULL;
	lookup->answer = resolved.answer;
	lookup->who = resolved.who;
	lookup->many = resolver->nameservers.count > 1;
	if (look_up_here(resolver, host, &resolved)) {
		lookup_end(lookup, &resolved);
		return;
	}
	resolved.error = join_flight(resolver, host, lookup);
	if (resolved.error == -ENOMEM) {
		resolved.error = -EHOSTUNREACH;
		resolved.answer = ARES_ENOMEM;
	}
	if (resolved.error)
		lookup_end(lookup, &resolved);
}

void lookup_cancel(struct lookup *lookup)
{
	struct flight *flight = TAKE_POINTER(lookup->flight);
	struct lookup **place;

	lookup->resolver = NULL;
	if (!flight)
		return;
	place = &flight->lookups;
	while (*place != lookup)
		place = &(*place)->next;
	*place = lookup->next;
	if (flight->lookups)
		return;
	flight_remove(flight);
	query_abandon(flight->query);
	free(flight);
}

void resolver_note_dial(
	struct resolver *resolver, const struct address *address, bool connected)
{
	if (connected)
		failed_addresses_forget(&resolver->failed, address);
	else
		failed_addresses_note(&resolver->failed, address, loop_now(resolver->loop));
}
