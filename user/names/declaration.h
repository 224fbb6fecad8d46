/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* One declared domain, as domains.h describes it. */

#include <stddef.h>

#include "names/host.h"

enum domain_form {
	DOMAIN_EXACT,
	DOMAIN_TREE,  /* ".foo.com" */
	DOMAIN_BELOW, /* "*.foo.com" */
};

struct declared_domain {
	enum domain_form form;
	struct host host;
};

enum domain_options {
	/* A wildcard on a public suffix or on a single label is not an error. */
	DOMAIN_ALLOW_PUBLIC_SUFFIX = 1 << 0,
};

/*
 * Parses a declaration of `length` bytes; `options` are enum domain_options.
 *
 * Returns 0; -EINVAL or -ENOMEM, and then `domain` is untouched and `*problem` a constant
 * sentence for people.
 */
int declaration_parse(const char *text, size_t length, unsigned options,
	struct declared_domain *domain, const char **problem);

/* Says, as a constant sentence, why a declaration may not have its form; NULL: it may. */
const char *declaration_problem(const struct declared_domain *domain, unsigned options);

/* Writes a declaration in canonical form; `text` has room for NAME_LENGTH_MAX + 3. */
void declared_domain_format(const struct declared_domain *domain, char *text);

/* The keys of the domain map that stand for a declaration: one, or two for DOMAIN_TREE.
 * Returns how many were written. */
size_t declared_domain_keys(
	const struct declared_domain *domain, struct domain_key keys[2]);
