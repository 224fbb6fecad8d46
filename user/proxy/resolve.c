// SPDX-License-Identifier: BSD-2-Clause
/*
 * A look-up makes a query with two questions, one for each family of addresses. Each
 * question goes to one of the node's resolvers (nameserver.h). It goes to the next one if
 * that one fails, or says nothing for a second. The first useful answer settles the
 * question.
 *
 * The query ends when both questions are settled. An answer of one family is enough (RFC
 * 8305 section 3). So the other question gets only a little more time once the name has an
 * address, or is known not to exist. A resolver that said nothing in time is remembered as
 * silent, for that family. For a while others are asked before it, and it gets less time.
 *
 * A look-up and its query point at each other. But c-ares can't give up a query. So a
 * look-up that ended or was cancelled may leave its query behind, which later ends in
 * silence. Results are handed on from the loop, never from within a call of the look-up's
 * owner.
 */

#include <ares.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "names/address.h"
#include "names/hosts.h"
#include "proxy/addresses.h"
#include "proxy/nameserver.h"
#include "proxy/resolve.h"

#define NEXT_PATIENCE SECOND	   /* before the next resolver is asked as well */
#define LAST_PATIENCE (5 * SECOND) /* after the last one was asked */

/*
 * For the second family, once the first is there. The other is where the resolver was
 * silent: RFC 8305's.
 */
#define OTHER_PATIENCE	(500 * MILLISECOND)
#define SILENT_PATIENCE (50 * MILLISECOND)

/*
 * Queries at once, one for each connection that there may be. Those of connections that
 * have gone are kept until c-ares is done.
 */
#define QUERIES_MAX JOB_CONNECTIONS_MAX

/* A question to one resolver. */
struct ask {
	struct question *question;
	struct nameserver *nameserver;
};

struct question {
	struct query *query;
	enum family family;
	struct ask asks[RESOLVERS_MAX];
	size_t asked;	   /* how many of `asks` are used */
	unsigned waiting;  /* how many of those have no answer */
	uint64_t asked_at; /* when the last of those began */
	bool late;	   /* the last of those had its second */
	bool settled;
	int status; /* of c-ares: that of the answer, or of the last failure */
	const struct nameserver *from;
	struct ares_addrinfo *answers;
};

struct query {
	struct lookup *lookup; /* NULL: it ended, or was cancelled */
	struct resolver *resolver;
	const struct host *host; /* as long as there is a look-up */
	struct question questions[FAMILIES];
	struct timer timer;
	uint64_t end; /* when it ends with one family alone. 0: not known yet */
	unsigned
		/* for answers of both questions, plus one while it is being worked on */
		waiting;
};

struct resolver {
	struct loop *loop;
	struct address_rules *address_rules;
	struct nameserver *nameservers[RESOLVERS_MAX];
	size_t count;
	unsigned queries;
};

static void lookup_end(struct lookup *lookup, int status)
{
	lookup->status = status;
	lookup->query = NULL;
	loop_defer(lookup->resolver->loop, &lookup->deferred);
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
				&new->nameservers[new->count++]);
	if (error)
		return error; /* and the process ends */
	new->loop = loop;
	*resolver = new;
	return 0;
}

/* Adds an address, once. Returns 0, or -EACCES if it may not be dialled. */
static int add_address(
	struct resolver *resolver, struct lookup *lookup, const struct address *address)
{
	for (size_t i = 0; i < lookup->count; i++)
		if (!memcmp(&lookup->addresses[i], address, sizeof(*address)))
			return 0;
	if (!address_may_be_dialled(resolver->address_rules, address)) {
		lookup->addresses[0] = *address;
		lookup->count = 1;
		return -EACCES;
	}
	if (lookup->count < RESOLVED_MAX)
		lookup->addresses[lookup->count++] = *address;
	return 0;
}

/*
 * The families take turns (RFC 8305 section 4), so one that leads nowhere costs one try.
 * IPv4 begins, since more nodes have IPv6 in name only than IPv4.
 */
static int add_answers(struct query *query, struct lookup *lookup)
{
	const struct ares_addrinfo_node *next[FAMILIES] = {};

	for (enum family family = 0; family < FAMILIES; family++)
		if (query->questions[family].answers)
			next[family] = query->questions[family].answers->nodes;
	for (size_t turn = 0; next[IPV4] || next[IPV6]; turn = !turn) {
		const struct ares_addrinfo_node *node = next[turn];
		struct endpoint endpoint;
		int error;

		if (!node)
			continue;
		next[turn] = node->ai_next;
		error = endpoint_from_socket(node->ai_addr, &endpoint);
		if (!error)
			error = add_address(query->resolver, lookup, &endpoint.address);
		if (error)
			return error;
	}
	return lookup->count ? 0 : -ENOENT;
}

/*
 * Whether the status is what the resolvers know of the name. Any other status is a failure,
 * and another resolver may know more.
 */
static bool is_knowledge(int status)
{
	return status == ARES_SUCCESS || status == ARES_ENOTFOUND || status == ARES_ENODATA;
}

/* Whether there was no answer, or it did not come from a resolver. */
static bool is_silence(int status)
{
	return status == ARES_ETIMEOUT || status == ARES_ECONNREFUSED ||
	       status == ARES_ECANCELLED || status == ARES_ENOMEM;
}

static int status_to_error(int status)
{
	if (is_knowledge(status) || status == ARES_EBADNAME)
		return -ENOENT;
	return status == ARES_ETIMEOUT ? -ETIMEDOUT : -EHOSTUNREACH;
}

/*
 * Returns the question that says why a query has no address. It is the first of these:
 *
 *	one that says that there is no such name
 *	the first one that failed
 *	the first one, which says that the name has no address
 */
static const struct question *telling(const struct query *query)
{
	const struct question *questions = query->questions;

	for (enum family family = 0; family < FAMILIES; family++)
		if (questions[family].settled && questions[family].status == ARES_ENOTFOUND)
			return &questions[family];
	for (enum family family = 0; family < FAMILIES; family++)
		if (!is_knowledge(questions[family].status))
			return &questions[family];
	return &questions[IPV4];
}

static void query_put(struct query *query)
{
	if (query->lookup || query->waiting)
		return;
	loop_cancel_timer(query->resolver->loop, &query->timer);
	for (enum family family = 0; family < FAMILIES; family++)
		if (query->questions[family].answers)
			ares_freeaddrinfo(query->questions[family].answers);
	query->resolver->queries--;
	free(query);
}

static void query_end(struct query *query)
{
	struct lookup *lookup = query->lookup;
	const struct question *question = telling(query);
	int error = add_answers(query, lookup);

	query->lookup = NULL;
	loop_cancel_timer(query->resolver->loop, &query->timer);
	lookup->answer = question->status;
	if (question->from)
		lookup->who = *nameserver_address(question->from);
	lookup_end(lookup, error == -ENOENT ? status_to_error(question->status) : error);
}

/* Chooses a nameserver that was not asked yet. Silent ones come last. */
static struct nameserver *choose_nameserver(const struct question *question)
{
	const struct resolver *resolver = question->query->resolver;

	for (int silent = 0; silent < 2; silent++)
		for (size_t i = 0; i < resolver->count; i++) {
			struct nameserver *nameserver = resolver->nameservers[i];
			bool asked = false;

			for (size_t k = 0; k < question->asked; k++)
				asked |= question->asks[k].nameserver == nameserver;
			if (!asked && (silent || !nameserver_is_silent(
							 nameserver, question->family)))
				return nameserver;
		}
	return NULL;
}

static void answered(void *data, int status, int timeouts, struct ares_addrinfo *answers);

static void ask_next(struct question *question)
{
	struct query *query = question->query;
	struct nameserver *nameserver = choose_nameserver(question);
	struct ask *ask;

	if (!nameserver)
		return;
	ask = &question->asks[question->asked++];
	*ask = (struct ask){ .question = question, .nameserver = nameserver };
	question->asked_at = loop_now(query->resolver->loop);
	question->late = false;
	question->waiting++;
	query->waiting++;
	nameserver_ask(nameserver, query->host->name, question->family, answered, ask);
}

/* When to act on an answer that is missing. */
static uint64_t due_at(const struct question *question)
{
	return question->asked_at + (question->late ? LAST_PATIENCE : NEXT_PATIENCE);
}

static void set_timer(struct query *query)
{
	struct loop *loop = query->resolver->loop;
	uint64_t now = loop_now(loop), due = query->end;

	for (enum family family = 0; family < FAMILIES && !query->end; family++) {
		const struct question *question = &query->questions[family];

		if (!question->settled && (!due || due_at(question) < due))
			due = due_at(question);
	}
	if (due)
		loop_set_timer(loop, &query->timer, due > now ? due - now : 0);
	else
		loop_cancel_timer(loop, &query->timer);
}

/* The nameserver that was asked last, or NULL. */
static struct nameserver *latest(const struct question *question)
{
	return question->asked ? question->asks[question->asked - 1].nameserver : NULL;
}

/* How long an answer of one family waits for the other one. */
static uint64_t other_patience(const struct question *other)
{
	const struct nameserver *nameserver = latest(other);

	return nameserver && nameserver_is_silent(nameserver, other->family)
		       ? SILENT_PATIENCE
		       : OTHER_PATIENCE;
}

static void settle(struct question *question)
{
	struct query *query = question->query;
	const struct question *other = &query->questions[!question->family];

	question->settled = true;
	if (other->settled) {
		query_end(query);
		return;
	}
	if (question->status == ARES_SUCCESS || question->status == ARES_ENOTFOUND)
		query->end = loop_now(query->resolver->loop) + other_patience(other);
	set_timer(query);
}

/* Keeps the last failure, but silence does not replace another failure. */
static void note_failure(struct question *question, struct nameserver *from, int status)
{
	if (is_silence(status) && !is_silence(question->status))
		return;
	question->status = status;
	question->from = from;
	nameserver_log(from, ares_strerror(status), question->query->host->name);
}

static void answered(void *data, int status, int timeouts, struct ares_addrinfo *answers)
{
	const struct ask *ask = data;
	struct question *question = ask->question;
	struct query *query = question->query;

	(void)timeouts;
	question->waiting--;
	if (!is_silence(status))
		nameserver_heard(ask->nameserver, question->family);
	if (!query->lookup || question->settled) {
		ares_freeaddrinfo(answers);
	} else if (is_knowledge(status)) {
		question->status = status;
		question->from = ask->nameserver;
		question->answers = answers;
		settle(question);
	} else {
		ares_freeaddrinfo(answers);
		note_failure(question, ask->nameserver, status);
		ask_next(question);
		if (!question->settled && !question->waiting)
			settle(question);
		else if (query->lookup)
			set_timer(query);
	}
	query->waiting--;
	query_put(query);
}

/*
 * Notes that a nameserver is silent. A wait of less than OTHER_PATIENCE says nothing about
 * it.
 */
static void note_silence(struct question *question)
{
	struct nameserver *nameserver = latest(question);
	uint64_t now = loop_now(question->query->resolver->loop);

	if (nameserver && now >= question->asked_at + OTHER_PATIENCE &&
		nameserver_waited(nameserver, question->family, question->asked_at))
		nameserver_log(nameserver, "silent, and asked last for a minute",
			question->query->host->name);
}

/* No answer came in time. Others are asked, if there are any. */
static void wait_no_more(struct question *question)
{
	if (question->late) {
		settle(question);
		return;
	}
	note_silence(question);
	question->late = true;
	ask_next(question);
}

static void expired(struct timer *timer)
{
	struct query *query = container_of(timer, struct query, timer);
	uint64_t now = loop_now(query->resolver->loop);

	query->waiting++;
	for (enum family family = 0; family < FAMILIES && query->lookup; family++) {
		struct question *question = &query->questions[family];

		if (question->settled)
			continue;
		if (query->end)
			note_silence(question);
		else if (due_at(question) <= now)
			wait_no_more(question);
	}
	if (query->lookup && query->end)
		query_end(query);
	else if (query->lookup)
		set_timer(query);
	query->waiting--;
	query_put(query);
}

static void query_begin(struct query *query)
{
	query->waiting = 1;
	query->timer.expired = expired;
	for (enum family family = 0; family < FAMILIES; family++)
		query->questions[family] = (struct question){
			.query = query, .family = family, .status = ARES_ETIMEOUT
		};
	for (enum family family = 0; family < FAMILIES; family++)
		ask_next(&query->questions[family]);
	if (query->lookup)
		set_timer(query);
	query->waiting--;
	query_put(query);
}

/*
 * Looks up names that need no resolver: literals, and the names that the node itself gives.
 * Returns -ENOENT for all others.
 */
static int look_up_here(
	struct resolver *resolver, const struct host *host, struct lookup *lookup)
{
	struct address addresses[RESOLVED_MAX];
	size_t count = 1;
	int error = 0;

	if (host->literal)
		addresses[0] = host->address;
	else
		count = hosts_look_up(host->name, addresses, RESOLVED_MAX);
	for (size_t i = 0; i < count && !error; i++)
		error = add_address(resolver, lookup, &addresses[i]);
	return count ? error : -ENOENT;
}

void resolver_look_up(
	struct resolver *resolver, const struct host *host, struct lookup *lookup)
{
	struct query *query;
	int error;

	lookup->resolver = resolver;
	lookup->deferred.run = lookup_deferred;
	lookup->count = 0;
	lookup->query = NULL;
	lookup->answer = ARES_ETIMEOUT;
	lookup->who = *nameserver_address(resolver->nameservers[0]);
	lookup->many = resolver->count > 1;
	error = look_up_here(resolver, host, lookup);
	if (error == -ENOENT && resolver->queries >= QUERIES_MAX)
		error = -EBUSY;
	if (error != -ENOENT) {
		lookup_end(lookup, error);
		return;
	}
	query = calloc(1, sizeof(*query));
	if (!query) {
		lookup->answer = ARES_ENOMEM;
		lookup_end(lookup, -EHOSTUNREACH);
		return;
	}
	resolver->queries++;
	*query = (struct query){ .lookup = lookup, .resolver = resolver, .host = host };
	lookup->query = query;
	query_begin(query);
}

void lookup_cancel(struct lookup *lookup)
{
	struct query *query = lookup->query;

	lookup->query = NULL;
	lookup->resolver = NULL;
	if (!query)
		return;
	query->lookup = NULL;
	query_put(query);
}
