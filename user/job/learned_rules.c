// SPDX-License-Identifier: BSD-2-Clause
/*
 * See learned_rules.h. A note is a method, a host and a path. Notes that have a method, a
 * host and a folder in common begin with the same text. So they are side by side once they
 * are sorted.
 */

#include "job/learned_rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "names/request_rule.h"
#include "node/maps.h"

#define METHODS_MAX 8  /* of one rule */
#define DEPTH_MAX   16 /* segments of a rule. A job chooses its paths */

/* So all methods of a rule have room before its target, which each note has as well. */
_Static_assert(
	METHODS_MAX * sizeof(struct learned_rule_key) <= REQUEST_RULES_SIZE, "METHODS_MAX");

struct note {
	uint64_t count;
	char *path;   /* in the text */
	char *target; /* the host, in the text */
	char text[sizeof(struct learned_rule_key) + sizeof("**")]; /* also of its folder */
};

struct notes {
	size_t count;
	struct note list[LEARNED_RULES_MAX];
};

/* A slash comes first, so a folder is followed by all that is in it. */
static int rank(char c)
{
	return c == '/' ? 1 : c ? (unsigned char)c + 1 : 0;
}

static int compare_texts(const char *left, const char *right)
{
	while (*left && *left == *right) {
		left++;
		right++;
	}
	return rank(*left) - rank(*right);
}

static int by_text(const void *a, const void *b)
{
	return compare_texts(
		((const struct note *)a)->text, ((const struct note *)b)->text);
}

static int by_target(const void *a, const void *b)
{
	const struct note *left = a, *right = b;
	int difference = compare_texts(left->target, right->target);

	return difference ? difference : strcmp(left->text, right->text);
}

static int by_use(const void *a, const void *b)
{
	const struct learned_rule *left = a, *right = b;

	if (left->count != right->count)
		return left->count < right->count ? 1 : -1;
	return strcmp(left->text, right->text);
}

/* Sorting moves notes, so the places in their texts are found again. */
static void find_parts(struct notes *notes)
{
	for (size_t i = 0; i < notes->count; i++) {
		struct note *note = &notes->list[i];

		note->target = strchr(note->text, ' ') + 1;
		note->path = strchr(note->target, '/');
	}
}

static void sort(struct notes *notes, int (*compare)(const void *, const void *))
{
	qsort(notes->list, notes->count, sizeof(notes->list[0]), compare);
	find_parts(notes);
}

/*
 * Takes a note. The proxy is not trusted, so it is parsed as a rule. It has one method, and
 * no wildcard but one at its end.
 */
static int take(const struct learned_rule_key *key, uint64_t count, struct notes *notes)
{
	_cleanup_(request_rules_free) struct request_rules parsed = {};
	struct note *note = &notes->list[notes->count];
	const char *problem, *wildcard;
	int error = request_rules_add(
		&parsed, key->rule, strnlen(key->rule, sizeof(key->rule)), &problem);

	if (error == -ENOMEM)
		return error;
	if (!count || error || parsed.list[0].domain.form != DOMAIN_EXACT ||
		strlen(parsed.list[0].text) > sizeof(key->rule))
		return 0;
	memcpy(note->text, parsed.list[0].text, strlen(parsed.list[0].text) + 1);
	wildcard = strchr(note->text, '*');
	if (strpbrk(note->text, ",'") || strstr(note->text, "%3F") ||
		strstr(note->text, "%23") || (wildcard && strcmp(wildcard, "**")))
		return 0;
	note->count = count;
	notes->count++;
	return 0;
}

/* The place behind the slash that ends `depth` segments of a path, or NULL. */
static char *find_folder(const struct note *note, size_t depth)
{
	char *at = note->path;

	while (at && depth--)
		at = strchr(at + 1, '/');
	return at ? at + 1 : NULL;
}

static bool is_same_segment(const char *left, const char *right)
{
	size_t length = strcspn(left, "/");

	return length == strcspn(right, "/") && !strncmp(left, right, length);
}

/*
 * Finds the notes of one folder, from the first one on, and how many paths of it they have.
 * `*paths` is SIZE_MAX if one of them is for all paths of the folder.
 */
static size_t find_group(
	const struct notes *notes, size_t first, size_t depth, size_t *paths)
{
	const struct note *note = &notes->list[first];
	const char *rest = find_folder(note, depth);
	size_t length = rest ? (size_t)(rest - note->text) : 0, same = 0;
	bool every = false;

	*paths = 0;
	for (; first + same < notes->count; same++) {
		const char *text = note[same].text;

		if (!rest || strncmp(text, note->text, length))
			break;
		*paths += !same ||
			  !is_same_segment(text + length, note[same - 1].text + length);
		every |= !strcmp(text + length, "**");
	}
	if (every)
		*paths = SIZE_MAX;
	return rest ? same : 1;
}

/* Whether a note is for the path of a folder that the other is for, as /a is of /a/. */
static bool is_folder_of(const struct note *note, const struct note *all)
{
	size_t length = strlen(note->text);

	return !strncmp(note->text, all->text, length) &&
	       !strcmp(all->text + length, "/**");
}

/* Makes one note of those of a folder with at least so many paths. */
static void collapse_at(struct notes *notes, size_t depth, size_t least)
{
	size_t kept = 0, size, paths;

	for (size_t i = 0; i < notes->count; i += size) {
		struct note *first = &notes->list[i];

		size = find_group(notes, i, depth, &paths);
		if (paths >= least) {
			for (size_t k = 1; k < size; k++)
				first->count += first[k].count;
			memcpy(find_folder(first, depth), "**", sizeof("**"));
			if (kept && is_folder_of(&notes->list[kept - 1], first))
				first->count += notes->list[--kept].count;
		}
		memmove(&notes->list[kept], first,
			(paths >= least ? 1 : size) * sizeof(*first));
		kept += paths >= least ? 1 : size;
	}
	notes->count = kept;
	find_parts(notes);
}

static void collapse(struct notes *notes, size_t least)
{
	sort(notes, by_text);
	for (size_t depth = DEPTH_MAX; depth--;)
		collapse_at(notes, depth, least);
}

/* Writes the rule for notes of the same target. Returns how many it took. */
static size_t merge(const struct note *notes, size_t count, struct learned_rule *rule)
{
	size_t length = 0, taken = 0;

	rule->count = 0;
	for (; taken < count && taken < METHODS_MAX; taken++) {
		const struct note *note = &notes[taken];

		if (strcmp(note->target, notes->target))
			break;
		length += (size_t)sprintf(rule->text + length, "%s%.*s", taken ? "," : "",
			(int)(note->target - note->text - 1), note->text);
		rule->count += note->count;
	}
	sprintf(rule->text + length, " %s", notes->target);
	return taken;
}

/* Returns whether the rules for all notes are few enough. Otherwise some are missing. */
static bool fits(struct notes *notes, struct learned_rules *rules)
{
	size_t size = 0;

	rules->count = 0;
	sort(notes, by_target);
	for (size_t i = 0; i < notes->count;) {
		struct learned_rule *rule = &rules->list[rules->count];

		if (rules->count == REQUEST_RULES_MAX)
			return false;
		i += merge(&notes->list[i], notes->count - i, rule);
		size += strlen(rule->text) + 1;
		rules->count++;
		if (size > REQUEST_RULES_SIZE)
			return false;
	}
	return true;
}

static bool has_host_of(const struct note *left, const struct note *right)
{
	size_t length = (size_t)(left->path - left->target) + 1;

	return !strncmp(left->target, right->target, length);
}

/* Removes the notes of the host that was used least. They are sorted by target. */
static void drop_host(struct notes *notes)
{
	size_t least = 0, least_size = 0;
	uint64_t least_count = UINT64_MAX;

	for (size_t i = 0, size; i < notes->count; i += size) {
		const struct note *first = &notes->list[i];
		uint64_t count = 0;

		for (size = 0; i + size < notes->count && has_host_of(first, first + size);)
			count += first[size++].count;
		if (count < least_count) {
			least = i;
			least_size = size;
			least_count = count;
		}
	}
	memmove(&notes->list[least], &notes->list[least + least_size],
		(notes->count - least - least_size) * sizeof(notes->list[0]));
	notes->count -= least_size;
	find_parts(notes);
}

static void make(struct notes *notes, size_t least, struct learned_rules *rules)
{
	bool fit;

	sort(notes, by_text);
	collapse_at(notes, DEPTH_MAX, 1);
	collapse(notes, least);
	fit = fits(notes, rules);
	for (least = LEARNED_SIBLINGS; !fit && least > 1; least--) {
		collapse(notes, least);
		fit = fits(notes, rules);
	}
	for (size_t depth = DEPTH_MAX; !fit && depth--;) {
		sort(notes, by_text);
		collapse_at(notes, depth, 1);
		fit = fits(notes, rules);
	}
	for (; !fit; fit = fits(notes, rules)) {
		drop_host(notes);
		rules->left_out++;
	}
	qsort(rules->list, rules->count, sizeof(rules->list[0]), by_use);
}

int learned_rules_make(const struct learned_rule_key *keys, const uint64_t *counts,
	size_t count, size_t least, struct learned_rules **rules)
{
	_free_ struct notes *notes = calloc(1, sizeof(*notes));
	_free_ struct learned_rules *made = calloc(1, sizeof(*made));
	int error = notes && made ? 0 : -ENOMEM;

	for (size_t i = 0; !error && i < count; i++)
		error = take(&keys[i], counts[i], notes);
	if (error)
		return error;
	find_parts(notes);
	make(notes, least, made);
	*rules = TAKE_POINTER(made);
	return 0;
}

int learned_rules_read(int map, size_t least, struct learned_rules **rules)
{
	_free_ struct learned_rule_key *keys = calloc(LEARNED_RULES_MAX, sizeof(*keys));
	_free_ uint64_t *counts = calloc(LEARNED_RULES_MAX, sizeof(*counts));
	__u32 count = LEARNED_RULES_MAX;
	int error = keys && counts ? job_map_read_all(map, keys, counts, &count) : -ENOMEM;

	return error ? error : learned_rules_make(keys, counts, count, least, rules);
}
