// SPDX-License-Identifier: BSD-2-Clause
/*
 * See learned.h. A job may use a thousand names, so linear passes over them are quick
 * enough.
 */

#include <errno.h>
#include <string.h>

#include "job/learned.h"
#include "lib/cleanup.h"
#include "names/declaration.h"
#include "node/maps.h"

#define LABELS_MAX 127 /* of a name */

int learned_open(const struct job_paths *paths, struct learned_maps *maps)
{
	maps->names = job_map_read_only(paths, "learned");
	if (maps->names < 0)
		return maps->names;
	maps->rules = job_map_read_only(paths, "learned_rules");
	return maps->rules < 0 ? maps->rules : 0;
}

void learned_close(struct learned_maps *maps)
{
	cleanup_fd(&maps->names);
	cleanup_fd(&maps->rules);
}

static int compare(const void *a, const void *b)
{
	const struct learned_domain *left = a, *right = b;

	if (left->count != right->count)
		return left->count < right->count ? 1 : -1;
	return strcmp(left->domain.host.name, right->domain.host.name);
}

static void sort(struct learned *learned)
{
	qsort(learned->domains, learned->count, sizeof(learned->domains[0]), compare);
}

int learned_read(int map, struct learned **learned)
{
	_free_ struct learned *read = calloc(1, sizeof(*read));
	_free_ struct learned_key *keys = calloc(LEARNED_MAX, sizeof(*keys));
	_free_ uint64_t *counts = calloc(LEARNED_MAX, sizeof(*counts));
	__u32 count = LEARNED_MAX;
	int error = read && keys && counts ? job_map_read_all(map, keys, counts, &count)
					   : -ENOMEM;

	if (error)
		return error;
	for (__u32 i = 0; i < count; i++) {
		struct learned_domain *next = &read->domains[read->count];

		next->count = counts[i];
		next->names = 1;
		/*
		 * The proxy is not trusted, and its names may go to a terminal. So each
		 * name is parsed.
		 */
		if (!host_parse(keys[i].name, strnlen(keys[i].name, sizeof(keys[i].name)),
			    HOST_NO_BRACKETS, &next->domain.host))
			read->count++;
	}
	sort(read);
	*learned = TAKE_POINTER(read);
	return 0;
}

/*
 * The rank of a character. A dot comes first, so a name is followed by the names below
 * it.
 */
static int rank(char c)
{
	return c == '.' ? 0 : c;
}

static int compare_from_end(const void *a, const void *b)
{
	const struct host *left = &((const struct learned_domain *)a)->domain.host;
	const struct host *right = &((const struct learned_domain *)b)->domain.host;
	size_t i = left->length, j = right->length;

	while (i && j) {
		int difference = rank(left->name[--i]) - rank(right->name[--j]);

		if (difference)
			return difference;
	}
	return i ? 1 : j ? -1 : 0;
}

/* The last `labels` labels of a name. NULL: the name has fewer labels. */
static const char *suffix(const struct host *host, size_t labels)
{
	const char *start = host->name + host->length;

	if (host->literal)
		return NULL;
	while (start > host->name && (start[-1] != '.' || --labels))
		start--;
	return start > host->name || labels == 1 ? start : NULL;
}

/* The number of rows, from the first one on, whose last labels are the same. */
static size_t group(const struct learned_domain *rows, size_t count, size_t labels)
{
	const char *parent = suffix(&rows[0].domain.host, labels);
	size_t same = 1;

	for (; parent && same < count; same++) {
		const char *other = suffix(&rows[same].domain.host, labels);

		if (!other || strcmp(other, parent))
			break;
	}
	return same;
}

/*
 * Makes the wildcard for the names below the last labels of a name. Returns whether
 * such a wildcard is allowed.
 */
static bool make_wildcard(
	const struct host *host, size_t labels, struct declared_domain *wildcard)
{
	char text[DOMAIN_TEXT_SIZE];
	const char *problem, *parent = suffix(host, labels);
	int length = snprintf(text, sizeof(text), "*.%s", parent ? parent : "");

	return parent && !declaration_parse(text, (size_t)length, wildcard, &problem) &&
	       !declaration_covers_strangers(wildcard);
}

/*
 * Merges a group of names into a wildcard. If the parent itself was used too, the
 * result is a tree. Returns whether the group is large enough and may be merged.
 */
static bool merge(const struct learned_domain *rows, size_t count, size_t labels,
	size_t least, struct learned_domain *merged)
{
	bool parent = false;

	if (count < least || !make_wildcard(&rows[0].domain.host, labels, &merged->domain))
		return false;
	for (size_t i = 0; i < count; i++) {
		parent |= host_equal(&rows[i].domain.host, &merged->domain.host);
		merged->count += rows[i].count;
		merged->names += rows[i].names;
	}
	if (parent)
		merged->domain.form = DOMAIN_TREE;
	return count - parent >= least;
}

static void collapse_below(struct learned *learned, size_t labels, size_t least)
{
	struct learned_domain *rows = learned->domains;
	size_t kept = 0, size;

	for (size_t i = 0; i < learned->count; i += size) {
		struct learned_domain merged = {};

		size = group(&rows[i], learned->count - i, labels);
		if (merge(&rows[i], size, labels, least, &merged)) {
			rows[kept++] = merged;
			continue;
		}
		memmove(&rows[kept], &rows[i], size * sizeof(*rows));
		kept += size;
	}
	learned->count = kept;
}

void learned_collapse(struct learned *learned, size_t least)
{
	/*
	 * This order puts the names below each parent side by side, and merging keeps
	 * it.
	 */
	qsort(learned->domains, learned->count, sizeof(learned->domains[0]),
		compare_from_end);
	for (size_t labels = LABELS_MAX; labels >= 2; labels--)
		collapse_below(learned, labels, least);
	sort(learned);
}

static void write_rules(const struct learned_rules *rules, FILE *file)
{
	if (rules->count)
		fputs("# Requests to domains of --intercept as rules, which need that option again.\n",
			file);
	for (size_t i = 0; i < rules->count; i++)
		fprintf(file, "%-39s # %llu\n", rules->list[i].text,
			(unsigned long long)rules->list[i].count);
	if (rules->left_out)
		fprintf(file,
			"# %zu hosts have no rule, and allow everything. A job can't have so many rules.\n",
			rules->left_out);
}

int learned_write(const struct learned *learned, const struct learned_rules *rules,
	const char *job, FILE *file)
{
	fprintf(file, "# Domains that job %s used, with the number of requests.\n", job);
	for (size_t i = 0; i < learned->count; i++) {
		const struct learned_domain *row = &learned->domains[i];
		char domain[DOMAIN_TEXT_SIZE];

		declared_domain_format(&row->domain, domain);
		fprintf(file, "%-39s # %llu", domain, (unsigned long long)row->count);
		if (row->names > 1)
			fprintf(file, ", to %zu names", row->names);
		fputc('\n', file);
	}
	write_rules(rules, file);
	return fflush(file) || ferror(file) ? -EIO : 0;
}
