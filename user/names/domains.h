/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The domains that a job declared, as a minimal set. Blanks around a declaration are
 * trimmed. Case and one trailing dot are ignored. Unicode is turned into A-labels (IDNA
 * 2008).
 *
 * 	foo.com		exactly foo.com
 * 	.foo.com	foo.com and every name below it
 * 	*.foo.com	every name below foo.com, not foo.com itself
 * 	192.0.2.1	exactly this address (IPv6 without brackets)
 *
 * A declaration that another one of the set covers is dropped. The result does not depend
 * on the order.
 */

#include <stdbool.h>
#include <stddef.h>

#include "names/declaration.h"
#include "names/rule_declaration.h"

struct domains {
	struct declared_domain *list; /* minimal and sorted by name */
	size_t count;
};

/*
 * Adds a declaration of `length` bytes to the set and makes the set minimal again. The
 * caller checks whether it may cover strangers (declaration.h).
 *
 * Returns 0, -EINVAL, -ENOMEM, or -E2BIG if the set would need more than DOMAINS_MAX
 * keys. On an error the set is untouched. If `problem` is not NULL, an error sets it to a
 * constant sentence for people, such as "a CIDR range is not a domain".
 */
int domains_add(
	struct domains *domains, const char *text, size_t length, const char **problem);

/*
 * Adds every declaration of a file: one a line, # starts a comment, blank lines are
 * skipped, a line may end in CR LF. A line with a slash after a blank is a rule
 * (request_rule.h), which is added to `rules`. Fails as domains_add() does, or with the
 * error of reading the file. On an error `*line` is the line's number, or 0 if the file
 * can't be opened. The lines before it have been added.
 */
int domains_add_file(struct domains *domains, struct request_rules *rules, const char *path,
	size_t *line, const char **problem);

/*
 * Adds every declaration of a set. Fails as domains_add() does. The declarations before
 * the one that failed have been added.
 */
int domains_add_set(
	struct domains *domains, const struct domains *more, const char **problem);

/* Whether a declaration of the set allows every name that `domain` does. */
bool domains_cover(const struct domains *domains, const struct declared_domain *domain);

/* Whether some name is allowed by both declarations. */
bool declared_domains_overlap(
	const struct declared_domain *a, const struct declared_domain *b);

/*
 * Finds a declaration of the set that allows a name that `domain` allows too. NULL: there
 * is no such declaration.
 */
const struct declared_domain *domains_overlap(
	const struct domains *domains, const struct declared_domain *domain);

/* Whether the set allows `host`. */
bool domains_allow(const struct domains *domains, const struct host *host);

/* Releases the memory of the set. */
void domains_free(struct domains *domains);
