// SPDX-License-Identifier: BSD-2-Clause
/*
 * See query.h. The query ends when both questions are settled. An answer of one family is
 * enough (RFC 8305 section 3). So the other question gets only a little more time once the
 * name has an address, or is known not to exist. A resolver that said nothing in time is
 * remembered as silent, for that family. For a while others are asked before it, and it
 * gets less time.
 *
 * c-ares can't give up a question. So a query that ended or was abandoned stays until all
 * that it asked is answered.
 */

#include <ares.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "proxy/query.h"
#include "proxy/statistics.h"

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

/* A question to one nameserver. */
struct query_try {
	struct ask ask;
	struct question *question;
};

struct question {
	struct query *query;
	enum family family;
	struct query_try tries[RESOLVERS_MAX];
	size_t asked;	   /* how many of `tries` are used */
	unsigned waiting;  /* how many of those have no answer */
	uint64_t asked_at; /* when the last of those began */
	bool late;	   /* the last of those had its second */
	bool settled;
	int status; /* of c-ares: that of the answer, or of the last failure */
	const struct nameserver *from;
	struct found *found;
};

struct query {
	query_done done; /* NULL: it ended, or was abandoned */
	void *owner;
	struct nameservers *nameservers;
	char name[NAME_LENGTH_MAX + 1];
	struct question questions[FAMILIES];
	struct timer timer;
	uint64_t end; /* when it ends with one family alone. 0: not known yet */
	/* For answers of both questions, and one while it is being worked on. */
	unsigned waiting;
};

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
	if (query->done || query->waiting)
		return;
	loop_cancel_timer(query->nameservers->loop, &query->timer);
	for (enum family family = 0; family < FAMILIES; family++)
		free(query->questions[family].found);
	query->nameservers->queries--;
	free(query);
}

static void query_end(struct query *query)
{
	const struct question *question = telling(query);
	struct query_result result = { .status = question->status };
	query_done done = TAKE_POINTER(query->done);

	for (enum family family = 0; family < FAMILIES; family++)
		result.found[family] = query->questions[family].found;
	if (question->from)
		result.from = nameserver_address(question->from);
	loop_cancel_timer(query->nameservers->loop, &query->timer);
	done(query->owner, &result);
}

/* Chooses a nameserver that was not asked yet. Silent ones come last. */
static struct nameserver *choose_nameserver(const struct question *question)
{
	const struct nameservers *nameservers = question->query->nameservers;

	for (int silent = 0; silent < 2; silent++)
		for (size_t i = 0; i < nameservers->count; i++) {
			struct nameserver *nameserver = nameservers->list[i];
			bool asked = false;

			for (size_t k = 0; k < question->asked; k++)
				asked |= question->tries[k].ask.nameserver == nameserver;
			if (!asked && (silent || !nameserver_is_silent(
							 nameserver, question->family)))
				return nameserver;
		}
	return NULL;
}

static void answered(struct ask *ask, int status, struct found *found);

static void ask_next(struct question *question)
{
	struct query *query = question->query;
	struct nameserver *nameserver = choose_nameserver(question);
	struct query_try *next;

	if (!nameserver)
		return;
	next = &question->tries[question->asked++];
	*next = (struct query_try){ .ask = { .nameserver = nameserver,
					    .family = question->family,
					    .done = answered },
		.question = question };
	question->asked_at = loop_now(query->nameservers->loop);
	question->late = false;
	question->waiting++;
	query->waiting++;
	nameserver_ask(&next->ask, query->name);
}

/* When to act on an answer that is missing. */
static uint64_t due_at(const struct question *question)
{
	return question->asked_at + (question->late ? LAST_PATIENCE : NEXT_PATIENCE);
}

static void set_timer(struct query *query)
{
	struct loop *loop = query->nameservers->loop;
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
	return question->asked ? question->tries[question->asked - 1].ask.nameserver : NULL;
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
		query->end = loop_now(query->nameservers->loop) + other_patience(other);
	set_timer(query);
}

/* Keeps the last failure, but silence does not replace another failure. */
static void note_failure(struct question *question, struct nameserver *from, int status)
{
	statistics_add(&statistics->resolver_failures, 1);
	if (is_silence(status) && !is_silence(question->status))
		return;
	question->status = status;
	question->from = from;
	nameserver_log(from, ares_strerror(status), question->query->name);
}

static void answered(struct ask *ask, int status, struct found *found)
{
	struct question *question = container_of(ask, struct query_try, ask)->question;
	struct query *query = question->query;

	question->waiting--;
	if (!is_silence(status))
		nameserver_heard(ask->nameserver, question->family);
	if (!query->done || question->settled) {
		free(found);
	} else if (is_knowledge(status)) {
		question->status = status;
		question->from = ask->nameserver;
		question->found = found;
		settle(question);
	} else {
		note_failure(question, ask->nameserver, status);
		ask_next(question);
		if (!question->settled && !question->waiting)
			settle(question);
		else if (query->done)
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
	uint64_t now = loop_now(question->query->nameservers->loop);

	if (nameserver && now >= question->asked_at + OTHER_PATIENCE &&
		nameserver_waited(nameserver, question->family, question->asked_at)) {
		statistics_add(&statistics->resolver_failures, 1);
		nameserver_log(nameserver, "silent, and asked last for a minute",
			question->query->name);
	}
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
	uint64_t now = loop_now(query->nameservers->loop);

	query->waiting++;
	for (enum family family = 0; family < FAMILIES && query->done; family++) {
		struct question *question = &query->questions[family];

		if (question->settled)
			continue;
		if (query->end)
			note_silence(question);
		else if (due_at(question) <= now)
			wait_no_more(question);
	}
	if (query->done && query->end)
		query_end(query);
	else if (query->done)
		set_timer(query);
	query->waiting--;
	query_put(query);
}

int query_new(struct nameservers *nameservers, const char *name, query_done done,
	void *owner, struct query **query)
{
	struct query *new;

	if (nameservers->queries >= QUERIES_MAX)
		return -EBUSY;
	new = calloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;
	*new = (struct query){ .done = done, .owner = owner, .nameservers = nameservers };
	snprintf(new->name, sizeof(new->name), "%s", name);
	new->timer.expired = expired;
	for (enum family family = 0; family < FAMILIES; family++)
		new->questions[family] = (struct question){
			.query = new, .family = family, .status = ARES_ETIMEOUT
		};
	nameservers->queries++;
	*query = new;
	return 0;
}

void query_start(struct query *query)
{
	query->waiting = 1;
	for (enum family family = 0; family < FAMILIES; family++)
		ask_next(&query->questions[family]);
	if (query->done)
		set_timer(query);
	query->waiting--;
	query_put(query);
}

void query_abandon(struct query *query)
{
	query->done = NULL;
	query_put(query);
}
