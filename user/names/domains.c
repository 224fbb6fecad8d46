// SPDX-License-Identifier: BSD-2-Clause
/*
 * The set has one normal form. A name has at most one entry, no entry covers another, and
 * entries are sorted by name. So the order of declarations can't show in it. The set is
 * small and rarely changed, so every function goes through it from end to end.
 */

#include "names/domains.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/blank.h"
#include "lib/cleanup.h"

#define LINE_LENGTH_MAX 1024

/*
 * Whether `host` is a name below `parent`. A literal is below nothing, since names don't
 * end in numbers and have no colons.
 */
static bool is_below(const struct host *host, const struct host *parent)
{
	size_t rest = (size_t)host->length - parent->length;

	return host->length > parent->length && host->name[rest - 1] == '.' &&
	       !memcmp(host->name + rest, parent->name, parent->length);
}

static bool allows(const struct declared_domain *domain, const struct host *host)
{
	if (host_equal(host, &domain->host))
		return domain->form != DOMAIN_BELOW;
	return domain->form != DOMAIN_EXACT && is_below(host, &domain->host);
}

/* Whether `a` allows every name that `b` does. */
static bool covers(const struct declared_domain *a, const struct declared_domain *b)
{
	if (host_equal(&a->host, &b->host))
		return a->form == DOMAIN_TREE || a->form == b->form;
	return allows(a, &b->host);
}

/* How many entries a declaration takes in the domain map. */
static size_t key_count(const struct declared_domain *domain)
{
	return domain->form == DOMAIN_TREE ? 2 : 1;
}

/*
 * Adds a declaration that the set does not cover. It replaces the declarations that it
 * covers itself.
 */
static int insert(struct domains *domains, struct declared_domain domain)
{
	size_t keys, kept = 0, at;
	struct declared_domain *list;

	/* Two forms of a name that don't cover each other make up the tree. */
	for (size_t i = 0; i < domains->count; i++)
		if (host_equal(&domains->list[i].host, &domain.host))
			domain.form = DOMAIN_TREE;
	keys = key_count(&domain);
	for (size_t i = 0; i < domains->count; i++)
		if (!covers(&domain, &domains->list[i]))
			keys += key_count(&domains->list[i]);
	if (keys > DOMAINS_MAX)
		return -E2BIG;
	list = reallocarray(domains->list, domains->count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < domains->count; i++)
		if (!covers(&domain, &list[i]))
			list[kept++] = list[i];
	for (at = kept; at > 0 && strcmp(list[at - 1].host.name, domain.host.name) > 0;
		at--)
		list[at] = list[at - 1];
	list[at] = domain;
	domains->list = list;
	domains->count = kept + 1;
	return 0;
}

bool declared_domains_overlap(
	const struct declared_domain *a, const struct declared_domain *b)
{
	if (host_equal(&a->host, &b->host))
		return a->form == b->form || a->form == DOMAIN_TREE ||
		       b->form == DOMAIN_TREE;
	return allows(a, &b->host) || allows(b, &a->host);
}

bool domains_cover(const struct domains *domains, const struct declared_domain *domain)
{
	for (size_t i = 0; i < domains->count; i++)
		if (covers(&domains->list[i], domain))
			return true;
	return false;
}

const struct declared_domain *domains_overlap(
	const struct domains *domains, const struct declared_domain *domain)
{
	for (size_t i = 0; i < domains->count; i++)
		if (declared_domains_overlap(&domains->list[i], domain))
			return &domains->list[i];
	return NULL;
}

/* Adds a declaration unless the set covers it. Fails as domains_add() does. */
static int put(
	struct domains *domains, const struct declared_domain *domain, const char **problem)
{
	int error = domains_cover(domains, domain) ? 0 : insert(domains, *domain);

	if (error)
		*problem = error == -E2BIG ? "more domains than one set may have"
					   : "out of memory";
	return error;
}

int domains_add(
	struct domains *domains, const char *text, size_t length, const char **problem)
{
	struct declared_domain domain;
	const char *ignored;
	int error;

	if (!problem)
		problem = &ignored;
	error = declaration_parse(text, length, &domain, problem);
	return error ? error : put(domains, &domain, problem);
}

int domains_add_set(
	struct domains *domains, const struct domains *more, const char **problem)
{
	const char *ignored;
	int error = 0;

	for (size_t i = 0; !error && i < more->count; i++)
		error = put(domains, &more->list[i], problem ? problem : &ignored);
	return error;
}

/*
 * Reads a line without its end. At the end of the file the line is empty. Returns 0,
 * -EINVAL if the line is too long, or -errno of the read.
 */
static int read_line(
	FILE *file, char line[LINE_LENGTH_MAX], size_t *length, const char **problem)
{
	int c;

	*problem = "the file can't be read";
	for (*length = 0; (c = getc(file)) != EOF && c != '\n';
		line[(*length)++] = (char)c) {
		if (*length == LINE_LENGTH_MAX) {
			*problem = "the line is too long";
			return -EINVAL;
		}
	}
	if (ferror(file))
		return -errno;
	if (*length && line[*length - 1] == '\r')
		(*length)--;
	return 0;
}

/* Whether there is a slash after a blank. No domain has either. */
static bool is_rule(const char *line, size_t length)
{
	size_t i;

	for (i = 0; i < length && is_blank(line[i]); i++)
		;
	for (; i < length && !is_blank(line[i]); i++)
		;
	return memchr(line + i, '/', length - i);
}

static int add_line(struct domains *domains, struct request_rules *rules, const char *line,
	size_t length, const char **problem)
{
	bool blank = true;
	size_t end;

	for (end = 0; end < length && line[end] != '#'; end++)
		if (!is_blank(line[end]))
			blank = false;
	if (memchr(line, '\0', length)) {
		*problem = "the line has a NUL byte in it";
		return -EINVAL;
	}
	if (blank)
		return 0;
	return is_rule(line, end) ? rule_declare(rules, line, end, problem)
				  : domains_add(domains, line, end, problem);
}

int domains_add_file(struct domains *domains, struct request_rules *rules, const char *path,
	size_t *line, const char **problem)
{
	_file_ FILE *file = fopen(path, "re");
	char text[LINE_LENGTH_MAX];
	const char *ignored;
	size_t length;
	int result;

	if (!problem)
		problem = &ignored;
	*line = 0;
	*problem = "the file can't be opened";
	if (!file)
		return -errno;
	do {
		++*line;
		result = read_line(file, text, &length, problem);
		if (!result)
			result = add_line(domains, rules, text, length, problem);
	} while (!result && !feof(file));
	return result;
}

bool domains_allow(const struct domains *domains, const struct host *host)
{
	for (size_t i = 0; i < domains->count; i++)
		if (allows(&domains->list[i], host))
			return true;
	return false;
}

void domains_free(struct domains *domains)
{
	free(domains->list);
	*domains = (struct domains){ 0 };
}
