// SPDX-License-Identifier: BSD-2-Clause
/* See rule_declaration.h. The rule gets its name as declaration.h writes it. */

#include "names/rule_declaration.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"

int rule_declare(
	struct request_rules *rules, const char *text, size_t length, const char **problem)
{
	char domain_text[DOMAIN_TEXT_SIZE];
	struct declared_domain domain;
	_free_ char *rule = NULL;
	struct rule_parts parts;
	int error, written;

	*problem = length >= REQUEST_RULES_SIZE ? "a rule is too long"
		   : memchr(text, '\0', length) ? "a rule has no NUL in it"
						: rule_split(text, length, &parts);
	if (*problem)
		return -EINVAL;
	error = declaration_parse(parts.host, parts.host_length, &domain, problem);
	if (error)
		return error;
	declared_domain_format(&domain, domain_text);
	written = asprintf(&rule, "%.*s %s%.*s", (int)parts.methods_length, parts.methods,
		domain_text, (int)parts.path_length, parts.path);
	if (written < 0) {
		rule = NULL;
		*problem = "out of memory";
		return -ENOMEM;
	}
	return request_rules_add(rules, rule, (size_t)written, problem);
}
