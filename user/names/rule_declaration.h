/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Rules as people declare them, with names in Unicode. See request_rule.h. */

#include "names/request_rule.h"

/*
 * Adds a rule of `length` bytes, as request_rules_add() does, which gets its domain in
 * canonical form. Returns what that returns. -EINVAL also means that the domain is no
 * declaration (declaration.h), that the rule has a NUL in it, or that it alone is longer
 * than all rules may be. On an error `*problem` is a sentence for people.
 */
int rule_declare(
	struct request_rules *rules, const char *text, size_t length, const char **problem);
