/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The domains that a job declared, as a minimal set. A declaration is trimmed of
 * surrounding blanks, compared without regard to case, one trailing dot ignored, Unicode
 * turned into A-labels (IDNA 2008).
 *
 * 	foo.com		exactly foo.com
 * 	.foo.com	foo.com and every name below it
 * 	*.foo.com	every name below foo.com, not foo.com itself
 * 	192.0.2.1	exactly this address (IPv6 without brackets)
 *
 * What another declaration of the set covers is dropped; the result does not depend on the
 * order.
 */

#include <stdbool.h>
#include <stddef.h>

#include "names/declaration.h"

struct domains {
	struct declared_domain *list; /* minimal and sorted by name */
	size_t count;
};

/*
 * Adds a declaration of `length` bytes to the set and makes it minimal again.
 *
 * Returns 0, or with the set untouched: -EINVAL, -ENOMEM, -E2BIG when the set would need
 * more than DOMAINS_MAX keys. Where `problem` is not NULL it is then set to a constant
 * sentence for people that says what is wrong, as "a CIDR range is not a domain".
 */
int domains_add(struct domains *domains, const char *text, size_t length, unsigned options,
	const char **problem);

/* Adds every declaration of a file: one a line, # starts a comment, blank lines are
 * skipped, a line may end in CR LF. Errors as domains_add(), or what reading the file gave;
 * `*line` is then the line's number, 0 when the file can't be opened, and lines before it
 * have been added. */
int domains_add_file(struct domains *domains, const char *path, unsigned options,
	size_t *line, const char **problem);

/* Adds every declaration of a set. Errors as domains_add(); what came before it has been added. */
int domains_add_set(
	struct domains *domains, const struct domains *more, const char **problem);

/* Whether a declaration of the set allows every name that `domain` does. */
bool domains_cover(const struct domains *domains, const struct declared_domain *domain);

/* A declaration of the set that allows a name that `domain` allows too; NULL: there is none. */
const struct declared_domain *domains_overlap(
	const struct domains *domains, const struct declared_domain *domain);

/* Whether the set allows `host`. */
bool domains_allow(const struct domains *domains, const struct host *host);

/* Releases what the set holds. */
void domains_free(struct domains *domains);
