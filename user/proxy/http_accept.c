// SPDX-License-Identifier: BSD-2-Clause
/* See http_accept.h. Each byte of the fields is read twice at most. */

#include <string.h>

#include "proxy/http_accept.h"

#define WEIGHT_MAX 1000 /* thousandths */

/* How much a media range says of a form. The most specific range decides. */
enum match { MATCH_NONE, MATCH_ALL, MATCH_TYPE, MATCH_EXACT };

struct opinion {
	enum match match;
	unsigned weight; /* in thousandths; 0: not wanted */
};

/*
 * Takes the text up to the next `end` from the front of `list`. An `end` in a
 * quoted string does not count (RFC 9110 section 5.6.4). Returns false if nothing is left.
 */
static bool take_up_to(struct slice *list, char end, struct slice *piece)
{
	bool quoted = false;
	size_t i = 0;

	if (!list->length)
		return false;
	for (; i < list->length && (quoted || list->bytes[i] != end); i++) {
		if (list->bytes[i] == '"')
			quoted = !quoted;
		else if (quoted && list->bytes[i] == '\\' && i + 1 < list->length)
			i++;
	}
	*piece = (struct slice){ list->bytes, i };
	i += i < list->length;
	list->bytes += i;
	list->length -= i;
	slice_trim(piece);
	return true;
}

/* Reads a weight such as 0.25 (section 12.4.2). */
static bool read_weight(const struct slice *text, unsigned *weight)
{
	static const unsigned units[] = { WEIGHT_MAX, 0, 100, 10, 1 };
	unsigned sum = 0;

	if (!text->length || text->length > 5 ||
		(text->length > 1 && text->bytes[1] != '.'))
		return false;
	for (size_t i = 0; i < text->length; i++) {
		if (i == 1)
			continue;
		if (text->bytes[i] < '0' || text->bytes[i] > '9')
			return false;
		sum += units[i] * (unsigned)(text->bytes[i] - '0');
	}
	*weight = sum;
	return sum <= WEIGHT_MAX;
}

/* Reads the parameters of a media range. */
static bool read_parameters(struct slice *rest, unsigned *weight)
{
	struct slice parameter;

	*weight = WEIGHT_MAX;
	while (take_up_to(rest, ';', &parameter)) {
		struct slice value = parameter;

		if (parameter.length < 2 || (parameter.bytes[0] | 0x20) != 'q' ||
			parameter.bytes[1] != '=')
			continue;
		value.bytes += 2;
		value.length -= 2;
		if (!read_weight(&value, weight))
			return false;
	}
	return true;
}

static enum match match(const struct slice *range, const char *type, const char *all)
{
	if (slice_is(range, type))
		return MATCH_EXACT;
	if (slice_is(range, all))
		return MATCH_TYPE;
	return slice_is(range, "*/*") ? MATCH_ALL : MATCH_NONE;
}

/* Of two ranges that are as specific as each other, the larger weight counts. */
static void note(struct opinion *opinion, enum match match, unsigned weight)
{
	if (match > opinion->match || (match == opinion->match && weight > opinion->weight))
		*opinion = (struct opinion){ match, match ? weight : 0 };
}

bool http_accepts_json(const struct http_head *head)
{
	struct opinion json = {}, text = {};

	for (size_t i = 0; i < head->count; i++) {
		struct slice list = head->fields[i].value, rest, range;
		unsigned weight;

		if (!slice_is(&head->fields[i].name, "Accept"))
			continue;
		while (take_up_to(&list, ',', &rest)) {
			if (!take_up_to(&rest, ';', &range) ||
				!read_parameters(&rest, &weight))
				continue;
			note(&json, match(&range, "application/json", "application/*"),
				weight);
			note(&text, match(&range, "text/plain", "text/*"), weight);
		}
	}
	if (json.weight != text.weight)
		return json.weight > text.weight;
	return json.weight && (json.match == MATCH_EXACT || json.match > text.match);
}
