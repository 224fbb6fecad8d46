/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Rules as people declare them, with names in Unicode. See request_rule.h. */

#include "names/request_rule.h"

/*
 * Adds a rule. Returns the values of request_rules_add(), and -EINVAL if its domain is no
 * declaration (declaration.h).
 */
int rule_declare(
	struct request_rules *rules, const char *text, size_t length, const char **problem);
