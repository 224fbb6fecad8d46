// SPDX-License-Identifier: BSD-2-Clause
/*
 * A declaration is split into its form and its name, the name goes through the one grammar of host.h,
 * and what comes out is put into the set.
 *
 * The set has one normal form: at most one entry for a name, none that another covers, sorted.
 * So the order of declarations can't show in it.
 */

#include "names/domains.h"

#include <errno.h>
#include <idn2.h>
#include <libpsl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "names/address.h"

#define LINE_LENGTH_MAX 1024

struct text {
	const char *start;
	size_t length;
};

static bool text_has(struct text text, char c)
{
	return memchr(text.start, c, text.length);
}

static bool starts_with(struct text text, const char *prefix)
{
	size_t length = strlen(prefix);

	return text.length >= length && !memcmp(text.start, prefix, length);
}

static struct text skip(struct text text, size_t count)
{
	return (struct text){ text.start + count, text.length - count };
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct text trim(struct text text)
{
	while (text.length && is_blank(text.start[0]))
		text = skip(text, 1);
	while (text.length && is_blank(text.start[text.length - 1]))
		text.length--;
	return text;
}

static bool has_control_or_blank(struct text text)
{
	for (size_t i = 0; i < text.length; i++)
		if ((unsigned char)text.start[i] <= ' ' || text.start[i] == 0x7f)
			return true;
	return false;
}

static bool is_ascii(struct text text)
{
	for (size_t i = 0; i < text.length; i++)
		if ((unsigned char)text.start[i] > 0x7f)
			return false;
	return true;
}

static bool is_cidr(struct text text)
{
	const char *slash = memchr(text.start, '/', text.length);
	struct address address;

	return slash && !address_parse(text.start, (size_t)(slash - text.start), &address);
}

/* Whether it is a host and a port, an IPv6 address in brackets and a port among them. */
static bool has_port(struct text text)
{
	struct host host;
	uint16_t port;

	return !host_parse_with_port(text.start, text.length, &host, &port) && port;
}

/* Says why the name of a declaration is none. */
static const char *name_problem(struct text name)
{
	if (!name.length)
		return "a domain is missing";
	if (has_control_or_blank(name))
		return "a domain has no blanks or control characters in it";
	if (memmem(name.start, name.length, "://", 3))
		return "a URL is not a domain: give only its host";
	if (text_has(name, '@'))
		return "a domain has no user or \"@\" in it";
	if (is_cidr(name))
		return "a CIDR range is not a domain";
	if (text_has(name, '/'))
		return "a path is not part of a domain";
	if (has_port(name))
		return "a port is not part of a domain: 80 and 443 are open for each";
	if (text_has(name, '['))
		return "an IPv6 address is declared without brackets";
	if (text_has(name, '%'))
		return "a domain has no percent sign or IPv6 zone in it";
	if (text_has(name, ':'))
		return "this is neither a domain nor an IPv6 address";
	if (text_has(name, '*'))
		return "a wildcard is written *.example.com or .example.com";
	if (!is_ascii(name))
		return "this is no internationalized domain name (IDNA 2008)";
	return "this is neither a domain name nor an IPv4 address";
}

/* Parses a name with bytes beyond ASCII: UTF-8 that IDNA 2008 turns into A-labels. */
static int parse_unicode(struct text name, struct host *host)
{
	_free_ char *utf8 = NULL;
	struct host parsed;
	char *ascii = NULL;
	int error;

	if (text_has(name, '\0'))
		return -EINVAL;
	utf8 = strndup(name.start, name.length);
	if (!utf8)
		return -ENOMEM;
	error = idn2_lookup_u8((const uint8_t *)utf8, (uint8_t **)&ascii,
		IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (error)
		return error == IDN2_MALLOC ? -ENOMEM : -EINVAL;
	error = host_parse(ascii, strlen(ascii), HOST_NO_BRACKETS, &parsed);
	idn2_free(ascii);
	/* The mapping makes digits of circled ones: no address shall come of that. */
	if (error || parsed.literal)
		return -EINVAL;
	*host = parsed;
	return 0;
}

/* Whether a wildcard on the name would cover names of strangers. Without the list every wildcard
 * would: then nothing is known to be safe. */
static bool is_public_suffix(const struct host *host)
{
	static const psl_ctx_t *list; /* lives as long as the process */

	if (!list)
		list = psl_latest(NULL);
	return !list || !strchr(host->name, '.') ||
	       psl_is_public_suffix2(list, host->name, PSL_TYPE_ANY);
}

static int parse_declaration(struct text text, unsigned options,
	struct declared_domain *domain, const char **problem)
{
	struct text name = trim(text);
	int error;

	domain->form = DOMAIN_EXACT;
	if (starts_with(name, "*.")) {
		domain->form = DOMAIN_BELOW;
		name = skip(name, 2);
	} else if (starts_with(name, ".")) {
		domain->form = DOMAIN_TREE;
		name = skip(name, 1);
	}
	error = is_ascii(name) ? host_parse(name.start, name.length, HOST_NO_BRACKETS,
					 &domain->host)
			       : parse_unicode(name, &domain->host);
	if (error) {
		*problem = error == -ENOMEM ? "out of memory" : name_problem(name);
		return error;
	}
	if (domain->form == DOMAIN_EXACT)
		return 0;
	if (domain->host.literal) {
		*problem = "an IP address has no names below it";
		return -EINVAL;
	}
	if (!(options & DOMAIN_ALLOW_PUBLIC_SUFFIX) && is_public_suffix(&domain->host)) {
		*problem = "a wildcard on a public suffix covers the domains of strangers";
		return -EINVAL;
	}
	return 0;
}

/* Whether `host` is a name below `parent`. No literal is below anything: names don't end in numbers
 * and have no colons. */
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

/* How many entries of the domain map a declaration takes. */
static size_t key_count(const struct declared_domain *domain)
{
	return domain->form == DOMAIN_TREE ? 2 : 1;
}

/* Adds a declaration that the set does not cover, in place of those that it covers itself. */
static int insert(struct domains *domains, struct declared_domain domain)
{
	size_t keys, kept = 0, at;
	struct declared_domain *list;

	/* The same name in two forms that don't cover each other: together they are the tree. */
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

static bool is_covered(const struct domains *domains, const struct declared_domain *domain)
{
	for (size_t i = 0; i < domains->count; i++)
		if (covers(&domains->list[i], domain))
			return true;
	return false;
}

int domains_add(struct domains *domains, const char *text, size_t length, unsigned options,
	const char **problem)
{
	struct declared_domain domain;
	const char *ignored;
	int error;

	if (!problem)
		problem = &ignored;
	error = parse_declaration((struct text){ text, length }, options, &domain, problem);
	if (error || is_covered(domains, &domain))
		return error;
	error = insert(domains, domain);
	if (error)
		*problem = error == -E2BIG ? "more domains than a job may have"
					   : "out of memory";
	return error;
}

/* Reads a line without its end. Returns 1, 0 at the end of the file, -EINVAL for a line that does not
 * fit, or what reading gave. */
static int read_line(FILE *file, char line[LINE_LENGTH_MAX], size_t *length)
{
	int c;

	for (*length = 0; (c = getc(file)) != EOF && c != '\n'; line[(*length)++] = (char)c)
		if (*length == LINE_LENGTH_MAX)
			return -EINVAL;
	if (ferror(file))
		return -EIO;
	if (*length && line[*length - 1] == '\r')
		(*length)--;
	return c != EOF || *length;
}

int domains_add_file(struct domains *domains, const char *path, unsigned options,
	size_t *line, const char **problem)
{
	_file_ FILE *file = fopen(path, "re");
	char text[LINE_LENGTH_MAX];
	const char *ignored, *comment;
	size_t length;
	int result;

	if (!problem)
		problem = &ignored;
	*line = 0;
	*problem = "the file can't be read";
	if (!file)
		return -errno;
	while ((result = read_line(file, text, &length)) > 0) {
		++*line;
		if (memchr(text, '\0', length)) {
			*problem = "a domain has no blanks or control characters in it";
			return -EINVAL;
		}
		comment = memchr(text, '#', length);
		if (comment)
			length = (size_t)(comment - text);
		if (!trim((struct text){ text, length }).length)
			continue;
		result = domains_add(domains, text, length, options, problem);
		if (result)
			return result;
	}
	if (result == -EINVAL) {
		++*line;
		*problem = "the line is too long";
	}
	return result;
}

bool domains_allow(const struct domains *domains, const struct host *host)
{
	for (size_t i = 0; i < domains->count; i++)
		if (allows(&domains->list[i], host))
			return true;
	return false;
}

void declared_domain_format(const struct declared_domain *domain, char *text)
{
	static const char *const prefixes[] = {
		[DOMAIN_EXACT] = "",
		[DOMAIN_TREE] = ".",
		[DOMAIN_BELOW] = "*.",
	};

	snprintf(text, NAME_LENGTH_MAX + 3, "%s%s", prefixes[domain->form],
		domain->host.name);
}

size_t declared_domain_keys(const struct declared_domain *domain, struct domain_key keys[2])
{
	size_t count = 0;

	if (domain->form != DOMAIN_BELOW)
		host_key(&domain->host, &keys[count++]);
	if (domain->form != DOMAIN_EXACT) {
		host_key(&domain->host, &keys[count]);
		keys[count++].name[domain->host.length] = '.';
	}
	return count;
}

void domains_free(struct domains *domains)
{
	free(domains->list);
	*domains = (struct domains){ 0 };
}
