// SPDX-License-Identifier: BSD-2-Clause
/*
 * See learning.h. The first request of a method to a host makes two elements. One is for
 * its path. The other is for all paths, with a count of zero. It counts requests only once
 * the map is full. So the map always has a rule for what it has no room for.
 */

#include "proxy/learning.h"

#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobfence/proxy.h"
#include "lib/cleanup.h"
#include "names/request_path.h"
#include "proxy/bpf_map.h"

#define EVERY_PATH "/**"

bool learning_note_host(const struct host *host)
{
	struct learned_key key = {};
	uint64_t count = 0;

	memcpy(key.name, host->name, host->length);
	bpf_map_look_up(FD_LEARNED, &key, &count);
	count++;
	return !bpf_map_update(FD_LEARNED, &key, &count, BPF_ANY);
}

/* Whether the rule is in the map, with one request more. */
static bool count_again(const struct learned_rule_key *key)
{
	uint64_t count;

	if (bpf_map_look_up(FD_LEARNED_RULES, key, &count))
		return false;
	count++;
	return !bpf_map_update(FD_LEARNED_RULES, key, &count, BPF_EXIST);
}

/* Adds a rule. Returns whether it is in the map. */
static bool add(const struct learned_rule_key *key, uint64_t count)
{
	uint64_t ignored;

	return !bpf_map_update(FD_LEARNED_RULES, key, &count, BPF_NOEXIST) ||
	       !bpf_map_look_up(FD_LEARNED_RULES, key, &ignored);
}

/*
 * The length of the part of a canonical path that a rule can name: up to the first asterisk
 * or quote, and as much as there is room for. People copy rules into a shell.
 */
static size_t find_plain(const char *path, size_t length, size_t room)
{
	size_t plain = 0;

	while (plain < length && plain < room && !strchr("*'", path[plain]))
		plain++;
	return plain;
}

/* Writes the rule for a canonical path. Returns false if there is none. */
static bool write_rule(
	struct learned_rule_key *key, const char *start, const char *path, size_t length)
{
	size_t used = strlen(start), room = sizeof(key->rule) - sizeof(EVERY_PATH) - used;
	size_t plain = find_plain(path, length, room);

	if (memmem(path, length, "%3F", 3) || memmem(path, length, "%23", 3))
		return false;
	memcpy(key->rule, start, used);
	memcpy(key->rule + used, path, plain);
	if (plain == length)
		return true;
	while (path[plain] != '/')
		key->rule[used + plain--] = '\0';
	memcpy(key->rule + used + plain, EVERY_PATH, sizeof(EVERY_PATH));
	return true;
}

/* Notes a canonical path, below `start`, which has the method and the host. */
static bool note(const char *start, const char *path, size_t length)
{
	struct learned_rule_key key = {}, every = {};

	if (!write_rule(&key, start, path, length) || count_again(&key))
		return true;
	snprintf(every.rule, sizeof(every.rule), "%s" EVERY_PATH, start);
	return add(&every, 0) && (add(&key, 1) || count_again(&every));
}

bool learning_note_request(
	const struct host *host, const struct slice *method, const struct slice *path)
{
	/* Room for a slash, a few letters and what ends every path. */
	char start[sizeof(((struct learned_rule_key *)0)->rule) - 32];
	_free_ char *canonical = malloc(path->length + 1);
	size_t length;
	int written = snprintf(start, sizeof(start), "%.*s %s", (int)method->length,
		method->bytes, host->name);

	if (!canonical || (size_t)written >= sizeof(start))
		return false;
	if (request_path_canonical(path->bytes, path->length, canonical, &length))
		return true;
	return note(start, canonical, request_path_length(canonical, length));
}
