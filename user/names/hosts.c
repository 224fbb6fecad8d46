// SPDX-License-Identifier: BSD-2-Clause
/* See hosts.h. */

#include "names/hosts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "names/address.h"

#define HOSTS  "/etc/hosts"
#define BLANKS " \t\r\n\v\f"

/* Whether `name` is one of the words that strtok_r(3) has not cut off yet. */
static bool is_among(const char *name, char **words)
{
	for (const char *word = strtok_r(NULL, BLANKS, words); word;
		word = strtok_r(NULL, BLANKS, words))
		if (!strcasecmp(word, name))
			return true;
	return false;
}

size_t hosts_search(FILE *file, const char *name, struct address *addresses, size_t max)
{
	_free_ char *line = NULL;
	size_t size = 0, count = 0;

	while (count < max && getline(&line, &size, file) >= 0) {
		char *rest = NULL;
		const char *address;

		line[strcspn(line, "#")] = '\0';
		address = strtok_r(line, BLANKS, &rest);
		if (address &&
			!address_parse(address, strlen(address), &addresses[count]) &&
			is_among(name, &rest))
			count++;
	}
	return count;
}

size_t hosts_look_up(const char *name, struct address *addresses, size_t max)
{
	_file_ FILE *file = fopen(HOSTS, "re");

	return file ? hosts_search(file, name, addresses, max) : 0;
}

static uint64_t nanoseconds(const struct timespec *time)
{
	return (uint64_t)time->tv_sec * SECOND + (uint64_t)time->tv_nsec;
}

bool hosts_have_changed(struct hosts_stamp *stamp)
{
	struct hosts_stamp now = {};
	struct stat file;

	if (!stat(HOSTS, &file))
		now = (struct hosts_stamp){ .device = file.st_dev,
			.inode = file.st_ino,
			.size = (uint64_t)file.st_size,
			.modified = nanoseconds(&file.st_mtim),
			.changed = nanoseconds(&file.st_ctim) };
	if (!memcmp(stamp, &now, sizeof(now)))
		return false;
	*stamp = now;
	return true;
}
