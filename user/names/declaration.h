/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* One declared domain, as domains.h describes it. */

#include "names/domains.h"

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
