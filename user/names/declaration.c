// SPDX-License-Identifier: BSD-2-Clause
/*
 * A declaration is split into its form and its name. The name goes through the one
 * grammar of host.h. IDNA is for names with bytes beyond ASCII only. ASCII names in use
 * break the rules of IDNA (r3---sn-x.googlevideo.com). After an error, name_problem()
 * looks for the sentence that explains it.
 */

#include "names/declaration.h"

#include <errno.h>
#include <idn2.h>
#include <libpsl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/blank.h"
#include "lib/cleanup.h"
#include "lib/library.h"
#include "names/address.h"

/* A character of UTF-8 has at most four bytes. A longer text can't be a name. */
#define UTF8_LENGTH_MAX (4UL * (NAME_LENGTH_MAX + 1))
#define NO_IDNA		"a name beyond ASCII needs the library libidn2.so.0; install it"

/*
 * Most declarations need neither library, and both bring libunistring. Linked, they would
 * slow down the start of every command.
 */
static struct {
	__typeof__(idn2_lookup_u8) *lookup;
	__typeof__(idn2_free) *free;
} idna;

static struct {
	__typeof__(psl_latest) *latest;
	__typeof__(psl_is_public_suffix2) *has;
} suffixes;

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

/* Whether the text is a host and a port. The host may be an IPv6 address in brackets. */
static bool has_port(struct text text)
{
	struct host host;
	uint16_t port;

	return !host_parse_with_port(text.start, text.length, &host, &port) && port;
}

/* Says why the name of a declaration is invalid. */
static const char *name_problem(struct text name)
{
	if (!name.length)
		return "a domain is missing";
	if (text_has(name, ','))
		return "one domain at a time: repeat the option for each";
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

static bool load_idna(void)
{
	const struct library_function functions[] = {
		{ "idn2_lookup_u8", (void **)&idna.lookup },
		{ "idn2_free", (void **)&idna.free },
	};
	struct failure ignored;

	return !library_load(
		"libidn2.so.0", "a name", functions, ARRAY_SIZE(functions), &ignored);
}

/* Parses a name with bytes beyond ASCII. IDNA 2008 turns its UTF-8 into A-labels. */
static int parse_unicode(struct text name, struct host *host)
{
	_free_ char *utf8 = NULL;
	struct host parsed;
	char *ascii = NULL;
	int error;

	if (name.length > UTF8_LENGTH_MAX || text_has(name, '\0'))
		return -EINVAL;
	if (!load_idna())
		return -ELIBACC;
	utf8 = strndup(name.start, name.length);
	if (!utf8)
		return -ENOMEM;
	error = idna.lookup((const uint8_t *)utf8, (uint8_t **)&ascii,
		IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (error)
		return error == IDN2_MALLOC ? -ENOMEM : -EINVAL;
	error = host_parse(ascii, strlen(ascii), HOST_NO_BRACKETS, &parsed);
	idna.free(ascii);
	/*
	 * The mapping turns circled digits into plain ones. The result must not be an
	 * address.
	 */
	if (error || parsed.literal)
		return -EINVAL;
	*host = parsed;
	return 0;
}

/* The list of public suffixes, which lives as long as the process. NULL: there is none. */
static const psl_ctx_t *public_suffixes(void)
{
	static const psl_ctx_t *list;
	const struct library_function functions[] = {
		{ "psl_latest", (void **)&suffixes.latest },
		{ "psl_is_public_suffix2", (void **)&suffixes.has },
	};
	struct failure ignored;

	if (!list && !library_load("libpsl.so.5", "a wildcard", functions,
			     ARRAY_SIZE(functions), &ignored))
		list = suffixes.latest(NULL);
	return list;
}

/*
 * Whether a wildcard on the name would cover names of strangers. Without the list no name
 * is known to be safe, so the answer is yes.
 */
static bool is_public_suffix(const struct host *host)
{
	const psl_ctx_t *list = public_suffixes();

	return !list || !strchr(host->name, '.') ||
	       suffixes.has(list, host->name, PSL_TYPE_ANY);
}

bool declaration_covers_strangers(const struct declared_domain *domain)
{
	return domain->form != DOMAIN_EXACT && is_public_suffix(&domain->host);
}

static int parse_name(struct text name, struct host *host)
{
	/* This is more likely an option in the place of a domain. */
	if (name.length && *name.start == '-')
		return -EINVAL;
	if (is_ascii(name))
		return host_parse(name.start, name.length, HOST_NO_BRACKETS, host);
	return parse_unicode(name, host);
}

int declaration_parse(const char *text, size_t length, struct declared_domain *domain,
	const char **problem)
{
	struct text name = trim((struct text){ text, length });
	struct declared_domain parsed = { .form = DOMAIN_EXACT };
	int error;

	if (starts_with(name, "*.")) {
		parsed.form = DOMAIN_BELOW;
		name = skip(name, 2);
	} else if (starts_with(name, ".")) {
		parsed.form = DOMAIN_TREE;
		name = skip(name, 1);
	}
	error = parse_name(name, &parsed.host);
	if (error) {
		*problem = error == -ENOMEM    ? "out of memory"
			   : error == -ELIBACC ? NO_IDNA
					       : name_problem(name);
		return error;
	}
	if (parsed.form != DOMAIN_EXACT && parsed.host.literal) {
		*problem = "an IP address has no names below it";
		return -EINVAL;
	}
	*domain = parsed;
	return 0;
}

void declared_domain_format(
	const struct declared_domain *domain, char text[DOMAIN_TEXT_SIZE])
{
	static const char *const prefixes[] = {
		[DOMAIN_EXACT] = "",
		[DOMAIN_TREE] = ".",
		[DOMAIN_BELOW] = "*.",
	};

	snprintf(text, DOMAIN_TEXT_SIZE, "%s%s", prefixes[domain->form], domain->host.name);
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
