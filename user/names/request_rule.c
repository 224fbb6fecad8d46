// SPDX-License-Identifier: BSD-2-Clause
/*
 * See request_rule.h. The proxy uses this, so it reads names without the libraries for IDNA
 * and public suffixes.
 */

#include "names/request_rule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/blank.h"
#include "lib/cleanup.h"
#include "names/request_path.h"

static const char *const prefixes[] = {
	[DOMAIN_EXACT] = "", [DOMAIN_TREE] = ".", [DOMAIN_BELOW] = "*."
};

/* A path that is read segment by segment. It stands at a slash, or at the end. */
struct walk {
	const char *at, *end;
};

struct segment {
	const char *bytes;
	size_t length;
};

static const char *find_blank(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (is_blank(text[i]))
			return text + i;
	return NULL;
}

const char *rule_split(const char *text, size_t length, struct rule_parts *parts)
{
	const char *end = text + length, *blank;

	for (; text < end && is_blank(*text); text++)
		;
	for (; end > text && is_blank(end[-1]); end--)
		;
	blank = find_blank(text, (size_t)(end - text));
	if (!blank)
		return "a rule is METHODS HOST/PATH, as in 'GET,HEAD example.com/api/**'";
	parts->methods = text;
	parts->methods_length = (size_t)(blank - text);
	for (text = blank; is_blank(*text); text++)
		;
	if (memmem(text, (size_t)(end - text), "://", 3))
		return "a rule has no scheme: give HOST/PATH";
	parts->host = text;
	parts->path = memchr(text, '/', (size_t)(end - text));
	if (!parts->path)
		return "a rule has a path after its host; /** is every path";
	parts->host_length = (size_t)(parts->path - text);
	parts->path_length = (size_t)(end - parts->path);
	return NULL;
}

static bool is_method_byte(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool is_text(const char *bytes, size_t length, const char *text)
{
	return length == strlen(text) && !memcmp(bytes, text, length);
}

/* The length of the method with which a list begins. */
static size_t first_method(const char *list, size_t length)
{
	const char *comma = memchr(list, ',', length);

	return comma ? (size_t)(comma - list) : length;
}

static const char *methods_problem(const char *list, size_t length)
{
	if (is_text(list, length, "*"))
		return NULL;
	for (;;) {
		size_t method = first_method(list, length);

		if (is_text(list, method, "*"))
			return "the method * stands alone: it is every method";
		if (is_text(list, method, "CONNECT"))
			return "CONNECT has no path, so no rule is for it";
		for (size_t i = 0; i < method; i++)
			if (!is_method_byte(list[i]))
				return "a method is written in capital letters, as in GET";
		if (!method)
			return "a method is missing";
		if (method == length)
			return NULL;
		list += method + 1;
		length -= method + 1;
	}
}

/* Takes the next segment. Returns false at the end. */
static bool next_segment(struct walk *walk, struct segment *segment)
{
	const char *slash;

	if (walk->at == walk->end)
		return false;
	segment->bytes = walk->at + 1;
	slash = memchr(segment->bytes, '/', (size_t)(walk->end - segment->bytes));
	walk->at = slash ? slash : walk->end;
	segment->length = (size_t)(walk->at - segment->bytes);
	return true;
}

static size_t count_segments(struct walk walk)
{
	size_t count = 0;

	for (; walk.at < walk.end; walk.at++)
		count += *walk.at == '/';
	return count;
}

static const char *wildcards_problem(const char *path, size_t length)
{
	struct walk walk = { path, path + length };
	struct segment segment;
	unsigned rests = 0;

	while (next_segment(&walk, &segment)) {
		if (is_text(segment.bytes, segment.length, "**"))
			rests++;
		else if (segment.length > 1 && memchr(segment.bytes, '*', segment.length))
			return "a * stands for a whole segment of a path, and ** for any number";
	}
	return rests > 1 ? "a path has ** at most once" : NULL;
}

/* Makes the path canonical. `out` has room for as many bytes, and one more. */
static const char *read_path(const struct rule_parts *parts, char *out, size_t *length)
{
	const char *problem;

	if (memchr(parts->path, '?', parts->path_length))
		return "a rule has no query, since it holds for each";
	problem = request_path_canonical(parts->path, parts->path_length, out, length);
	return problem ? problem : wildcards_problem(out, *length);
}

static int read_host(const struct rule_parts *parts, struct declared_domain *domain)
{
	enum domain_form form = DOMAIN_EXACT;
	size_t skipped;
	int error;

	if (parts->host_length && parts->host[0] == '.')
		form = DOMAIN_TREE;
	else if (parts->host_length > 1 && !memcmp(parts->host, "*.", 2))
		form = DOMAIN_BELOW;
	skipped = strlen(prefixes[form]);
	error = host_parse(parts->host + skipped, parts->host_length - skipped,
		HOST_NO_BRACKETS, &domain->host);
	domain->form = form;
	return error || (domain->host.literal && form != DOMAIN_EXACT) ? -EINVAL : 0;
}

/* Reads a rule. On success, its text is the caller's. */
static int parse(
	const char *text, size_t length, struct request_rule *rule, const char **problem)
{
	struct rule_parts parts;
	_free_ char *path = malloc(length + 1);
	size_t path_length;
	int written;

	*problem = path ? rule_split(text, length, &parts) : "out of memory";
	if (!*problem)
		*problem = methods_problem(parts.methods, parts.methods_length);
	if (!*problem && read_host(&parts, &rule->domain))
		*problem = "its host is no domain";
	if (!*problem)
		*problem = read_path(&parts, path, &path_length);
	if (*problem)
		return path ? -EINVAL : -ENOMEM;
	written = asprintf(&rule->text, "%.*s %s%s%.*s", (int)parts.methods_length,
		parts.methods, prefixes[rule->domain.form], rule->domain.host.name,
		(int)path_length, path);
	*problem = "out of memory";
	if (written < 0)
		return -ENOMEM;
	rule->methods_length = parts.methods_length;
	rule->path = (size_t)written - path_length;
	return 0;
}

bool request_rules_have(const struct request_rules *rules, const char *text)
{
	for (size_t i = 0; i < rules->count; i++)
		if (!strcmp(rules->list[i].text, text))
			return true;
	return false;
}

/* Appends a rule. On success its text is the set's. */
static int append(
	struct request_rules *rules, const struct request_rule *rule, const char **problem)
{
	size_t size = rules->size + strlen(rule->text) + 1;
	struct request_rule *list;

	*problem = "more rules than 64, or more than 4096 bytes of them";
	if (rules->count == REQUEST_RULES_MAX || size > REQUEST_RULES_SIZE)
		return -E2BIG;
	*problem = "out of memory";
	list = reallocarray(rules->list, rules->count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	rules->list = list;
	rules->list[rules->count++] = *rule;
	rules->size = size;
	return 0;
}

int request_rules_add(
	struct request_rules *rules, const char *text, size_t length, const char **problem)
{
	struct request_rule rule = {};
	bool known;
	int error;

	*problem = "a rule is too long";
	if (length >= REQUEST_RULES_SIZE)
		return -E2BIG;
	error = parse(text, length, &rule, problem);
	if (error)
		return error;
	known = request_rules_have(rules, rule.text);
	if (!known)
		error = append(rules, &rule, problem);
	if (known || error)
		free(rule.text);
	return error;
}

void request_rules_write(const struct request_rules *rules, char *text)
{
	for (size_t i = 0; i < rules->count; i++) {
		size_t length = strlen(rules->list[i].text);

		memcpy(text, rules->list[i].text, length);
		text[length] = '\n';
		text += length + 1;
	}
}

int request_rules_read(struct request_rules *rules, const char *text, size_t size)
{
	const char *end = text + size, *line_end, *problem;
	int error = 0;

	for (; !error && text < end && *text; text = line_end + 1) {
		line_end = memchr(text, '\n', (size_t)(end - text));
		if (!line_end)
			return -EPROTO;
		error = request_rules_add(rules, text, (size_t)(line_end - text), &problem);
	}
	return error == -ENOMEM || !error ? error : -EPROTO;
}

void request_rules_free(struct request_rules *rules)
{
	for (size_t i = 0; i < rules->count; i++)
		free(rules->list[i].text);
	free(rules->list);
	*rules = (struct request_rules){};
}

static bool is_for(const struct request_rule *rule, const struct host *host)
{
	const struct declared_domain *domain = &rule->domain;

	if (domain->form == DOMAIN_EXACT)
		return host_equal(host, &domain->host);
	return !host->literal && host_is_below(host, domain->host.name) &&
	       (domain->form == DOMAIN_TREE || !host_equal(host, &domain->host));
}

bool request_rules_name(const struct request_rules *rules, const struct host *host)
{
	for (size_t i = 0; i < rules->count; i++)
		if (is_for(&rules->list[i], host))
			return true;
	return false;
}

static bool allows_method(
	const struct request_rule *rule, const char *method, size_t length)
{
	const char *list = rule->text, *end = list + rule->methods_length;

	if (is_text(list, rule->methods_length, "*"))
		return true;
	while (list < end) {
		size_t one = first_method(list, (size_t)(end - list));

		if (one == length && !memcmp(list, method, length))
			return true;
		list += one + 1;
	}
	return false;
}

/*
 * Whether a wildcard may stand for it. A gateway that decodes a path and passes it on would
 * end the path at a question mark or a number sign.
 */
static bool is_plain(const struct segment *segment)
{
	return !memmem(segment->bytes, segment->length, "%3F", 3) &&
	       !memmem(segment->bytes, segment->length, "%23", 3);
}

static bool matches(const struct segment *pattern, const struct segment *segment)
{
	if (is_text(pattern->bytes, pattern->length, "*"))
		return segment->length && is_plain(segment);
	return pattern->length == segment->length &&
	       !memcmp(pattern->bytes, segment->bytes, segment->length);
}

/* Leaves as many segments as the patterns that follow take, for ** stands once at most. */
static bool skip_rest(struct walk patterns, struct walk *segments)
{
	size_t after = count_segments(patterns), left = count_segments(*segments);
	struct segment segment;

	if (left < after)
		return false;
	for (; left > after; left--)
		if (next_segment(segments, &segment) && !is_plain(&segment))
			return false;
	return true;
}

static bool allows_path(const struct request_rule *rule, const char *path, size_t length)
{
	struct walk patterns = { rule->text + rule->path, strchr(rule->text, '\0') };
	struct walk segments = { path, path + length };
	struct segment pattern, segment;

	while (next_segment(&patterns, &pattern)) {
		if (is_text(pattern.bytes, pattern.length, "**")) {
			if (!skip_rest(patterns, &segments))
				return false;
		} else if (!next_segment(&segments, &segment) ||
			   !matches(&pattern, &segment)) {
			return false;
		}
	}
	return segments.at == segments.end;
}

bool request_rules_allow(const struct request_rules *rules, const struct host *host,
	const char *method, size_t method_length, const char *path, size_t path_length)
{
	bool named = false;

	for (size_t i = 0; i < rules->count; i++) {
		const struct request_rule *rule = &rules->list[i];

		if (!is_for(rule, host))
			continue;
		named = true;
		if (allows_method(rule, method, method_length) &&
			allows_path(rule, path, path_length))
			return true;
	}
	return !named;
}
