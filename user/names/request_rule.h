/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Rules for the methods and paths of requests:
 *
 *	rule	= methods " " domain path
 *	methods	= "*" / method *("," method)
 *	method	= 1*( A-Z / 0-9 / "-" / "_" )
 *	domain	= as domains.h has it
 *	path	= 1*( "/" segment )
 *	segment	= "*" / "**" / text of a canonical path (request_path.h)
 *
 * The method "*" is any. A segment "*" is one segment that is not empty. A segment "**" is
 * any number of segments, also none, and a path has it once at most. The path of "acme" and
 * "**" is "acme" and all below it, and not "acme-evil". Queries do not matter.
 *
 * A host for which a set has rules may get what one of those rules allows, and nothing
 * else. A set has nothing to say about other hosts.
 */

#include <stdbool.h>
#include <stddef.h>

#include "names/declaration.h"

struct request_rule {
	struct declared_domain domain;
	char *text; /* of the whole rule, canonical */
	size_t methods_length;
	size_t path; /* where it begins in the text */
};

/* In the order in which they were added. Empty if all its bytes are zero. */
struct request_rules {
	struct request_rule *list;
	size_t count;
	size_t size; /* of all texts, each with one byte after it */
};

/* The parts of a rule, as they were written. */
struct rule_parts {
	const char *methods, *host, *path;
	size_t methods_length, host_length, path_length;
};

/*
 * Splits a rule at its blanks and at the slash with which its path begins. Returns NULL, or
 * a constant sentence for people.
 */
const char *rule_split(const char *text, size_t length, struct rule_parts *parts);

/*
 * Adds a rule whose domain is ASCII. rule_declaration.h reads other domains as well. A rule
 * that the set has is not added again. The path becomes canonical.
 *
 * Returns 0, -EINVAL, -ENOMEM, or -E2BIG for more than REQUEST_RULES_MAX rules or more than
 * REQUEST_RULES_SIZE bytes. On an error the set is untouched, and `*problem` is a constant
 * sentence, or a part of one, for people.
 */
int request_rules_add(
	struct request_rules *rules, const char *text, size_t length, const char **problem);
void request_rules_free(struct request_rules *rules);

/* Writes each rule with a newline, `size` bytes in all, and no NUL behind them. */
void request_rules_write(const struct request_rules *rules, char *text);

/*
 * Reads what request_rules_write() wrote into an array of that size, which is zero behind
 * it. Returns 0, -ENOMEM, or -EPROTO if it is something else.
 */
int request_rules_read(struct request_rules *rules, const char *text, size_t size);

/* Whether the set has the rule of this canonical text. */
bool request_rules_have(const struct request_rules *rules, const char *text);

/* Whether the set has a rule for this host. */
bool request_rules_name(const struct request_rules *rules, const struct host *host);

/*
 * Whether the set lets a request pass. The path is canonical and has no query. A set
 * without rules for the host lets every request pass.
 */
bool request_rules_allow(const struct request_rules *rules, const struct host *host,
	const char *method, size_t method_length, const char *path, size_t path_length);
