// SPDX-License-Identifier: BSD-2-Clause
/*
 * The grammar of host.h, in plain loops over bytes with a length. The parser first
 * decides whether the text is a literal or a name. It never tries one because the other
 * failed. So no spelling of an address can pass as a name. An accepted host is written
 * anew, not copied.
 */

#include "names/host.h"

#include <errno.h>
#include <string.h>

#include "names/address.h"

#define LABEL_LENGTH_MAX 63 /* RFC 1035 section 2.3.4 */

static char to_lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_label_byte(char c)
{
	return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '_' ||
	       c == '-';
}

static int parse_literal(const char *text, size_t length, struct host *host)
{
	struct host parsed = { .literal = true };

	if (address_parse(text, length, &parsed.address))
		return -EINVAL;
	address_format(&parsed.address, parsed.name);
	parsed.length = (uint8_t)strlen(parsed.name);
	*host = parsed;
	return 0;
}

/*
 * Whether the last label is one that many programs take for a part of an IPv4 address. A
 * dot at the end makes no difference to them.
 */
static bool ends_in_number(const char *text, size_t length)
{
	size_t start, i;

	if (length && text[length - 1] == '.')
		length--;
	for (start = length; start > 0 && text[start - 1] != '.';)
		start--;
	if (length - start >= 2 && text[start] == '0' && to_lower(text[start + 1]) == 'x')
		return true;
	for (i = start; i < length && is_digit(text[i]);)
		i++;
	return i == length && i > start;
}

static bool is_label(const char *text, size_t length)
{
	if (length < 1 || length > LABEL_LENGTH_MAX)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!is_label_byte(text[i]))
			return false;
	return true;
}

static int parse_name(const char *text, size_t length, struct host *host)
{
	struct host parsed = { 0 };
	size_t start = 0;

	if (length && text[length - 1] == '.')
		length--;
	if (length > NAME_LENGTH_MAX)
		return -EINVAL;
	for (size_t i = 0; i <= length; i++) {
		if (i < length && text[i] != '.') {
			parsed.name[i] = to_lower(text[i]);
			continue;
		}
		if (!is_label(text + start, i - start))
			return -EINVAL;
		if (i < length)
			parsed.name[i] = '.';
		start = i + 1;
	}
	parsed.length = (uint8_t)length;
	*host = parsed;
	return 0;
}

int host_parse(
	const char *text, size_t length, enum host_brackets brackets, struct host *host)
{
	bool colon;

	if (length == 0)
		return -EINVAL;
	colon = memchr(text, ':', length);
	if (brackets == HOST_BRACKETS && colon) {
		if (text[0] != '[' || text[length - 1] != ']')
			return -EINVAL;
		return parse_literal(text + 1, length - 2, host);
	}
	if (colon || ends_in_number(text, length))
		return parse_literal(text, length, host);
	return parse_name(text, length, host);
}

/* Parses 1 to 5 digits as a port. Returns 0 for anything else. */
static uint16_t parse_port(const char *text, size_t length)
{
	unsigned port = 0;

	if (length > 5)
		return 0;
	for (size_t i = 0; i < length; i++) {
		if (!is_digit(text[i]))
			return 0;
		port = port * 10 + (unsigned)(text[i] - '0');
	}
	return port <= UINT16_MAX ? (uint16_t)port : 0;
}

int host_parse_with_port(const char *text, size_t length, struct host *host, uint16_t *port)
{
	const char *bracket = length && text[0] == '[' ? memchr(text, ']', length) : NULL;
	const char *from = bracket ? bracket : text;
	const char *colon =
		length ? memchr(from, ':', length - (size_t)(from - text)) : NULL;
	size_t host_length = colon ? (size_t)(colon - text) : length;
	uint16_t parsed = 0;
	int error;

	/* A port may be empty (RFC 3986 section 3.2.3). */
	if (colon && host_length + 1 < length) {
		parsed = parse_port(colon + 1, length - host_length - 1);
		if (!parsed)
			return -EINVAL;
	}
	error = host_parse(text, host_length, HOST_BRACKETS, host);
	if (error)
		return error;
	*port = parsed;
	return 0;
}

bool host_equal(const struct host *a, const struct host *b)
{
	return a->length == b->length && !memcmp(a->name, b->name, a->length);
}

bool host_is_below(const struct host *host, const char *parent)
{
	size_t length = strlen(parent), before;

	if (host->literal || host->length < length)
		return false;
	before = host->length - length;
	return !memcmp(host->name + before, parent, length) &&
	       (!before || host->name[before - 1] == '.');
}

const char *host_without_service(const struct host *host)
{
	const char *name = host->name;

	while (name[0] == '_')
		name += strcspn(name, ".") + (strchr(name, '.') != NULL);
	return name;
}

bool host_may_be_site(const struct host *host)
{
	/*
	 * Reverse names (RFC 1035), multicast DNS (RFC 6762), RFC 6761, RFC 7686, and a
	 * suffix that resolvers append to a node's name.
	 */
	static const char *const special[] = { "arpa", "local", "localhost", "invalid",
		"onion", "localdomain" };

	if (host->literal)
		return true;
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (host_is_below(host, special[i]))
			return false;
	return strchr(host->name, '.') && host->name[0] != '_';
}

uint64_t host_hash(const struct host *host)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < host->length; i++)
		hash = (hash ^ (unsigned char)host->name[i]) * 0x100000001b3ULL;
	return hash;
}

void host_key(const struct host *host, struct domain_key *key)
{
	size_t length = host->length;

	*key = (struct domain_key){ .bits = (uint32_t)(8 * (length + 1)) };
	for (size_t i = 0; i < length; i++)
		key->name[i] = host->name[length - 1 - i];
}
