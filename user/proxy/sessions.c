// SPDX-License-Identifier: BSD-2-Clause
/* See sessions.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "proxy/sessions.h"

#define MARKS_MAX 4096

struct sessions {
	uint64_t key[2];
	size_t count;
	uint64_t marks[MARKS_MAX]; /* the newest is the last */
};

int sessions_new(struct sessions **sessions)
{
	struct sessions *new = calloc(1, sizeof(*new));

	if (!new)
		return -ENOMEM;
	/* getrandom(2) returns so few bytes whole, or not at all. */
	if (getrandom(new->key, sizeof(new->key), 0) != sizeof(new->key)) {
		free(new);
		return -EIO;
	}
	*sessions = new;
	return 0;
}

void sessions_free(struct sessions *sessions)
{
	free(sessions);
}

void sessions_begin_mark(const struct sessions *sessions, struct session_site site,
	enum session_kind kind, struct siphash *hash)
{
	const unsigned char head[] = { (unsigned char)kind, site.host->length };

	siphash_begin(hash, sessions->key);
	siphash_add(hash, head, sizeof(head));
	siphash_add(hash, site.host->name, site.host->length);
	siphash_add(hash, site.address, sizeof(*site.address));
}

uint64_t sessions_mark(const struct sessions *sessions, struct session_site site,
	enum session_kind kind, const unsigned char *bytes, size_t length)
{
	struct siphash hash;

	if (!length)
		return 0;
	sessions_begin_mark(sessions, site, kind, &hash);
	siphash_add(&hash, bytes, length);
	return siphash_end(&hash);
}

static void forget(struct sessions *sessions, size_t at)
{
	sessions->count--;
	memmove(sessions->marks + at, sessions->marks + at + 1,
		(sessions->count - at) * sizeof(sessions->marks[0]));
}

bool sessions_know(struct sessions *sessions, uint64_t mark)
{
	if (!mark)
		return false;
	for (size_t i = sessions->count; i--;)
		if (sessions->marks[i] == mark) {
			forget(sessions, i);
			sessions->marks[sessions->count++] = mark;
			return true;
		}
	return false;
}

void sessions_keep(struct sessions *sessions, uint64_t mark)
{
	if (!mark || sessions_know(sessions, mark))
		return;
	if (sessions->count == MARKS_MAX)
		forget(sessions, 0);
	sessions->marks[sessions->count++] = mark;
}
