/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* One declared domain, as domains.h describes it. */

#include <stddef.h>

#include "names/host.h"

/* Bytes of a declaration as text, with "*." and a NUL. */
#define DOMAIN_TEXT_SIZE (NAME_LENGTH_MAX + 3)

enum domain_form {
	DOMAIN_EXACT,
	DOMAIN_TREE,  /* ".foo.com" */
	DOMAIN_BELOW, /* "*.foo.com" */
};

struct declared_domain {
	enum domain_form form;
	struct host host;
};

/*
 * Parses a declaration of `length` bytes.
 *
 * Returns 0, -EINVAL, -ENOMEM, or -ELIBACC if libidn2 is missing. On an error `domain` is
 * untouched, and `*problem` is a constant sentence for people.
 */
int declaration_parse(const char *text, size_t length, struct declared_domain *domain,
	const char **problem);

/*
 * Whether a declaration is a wildcard on a public suffix or on a single label, and so
 * covers the domains of strangers.
 */
bool declaration_covers_strangers(const struct declared_domain *domain);

/* Writes a declaration in canonical form. */
void declared_domain_format(
	const struct declared_domain *domain, char text[DOMAIN_TEXT_SIZE]);

/*
 * Writes the keys that stand for a declaration in the domain map. DOMAIN_TREE has two
 * keys, any other form has one. Returns how many were written.
 */
size_t declared_domain_keys(
	const struct declared_domain *domain, struct domain_key keys[2]);
