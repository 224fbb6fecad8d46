// SPDX-License-Identifier: BSD-2-Clause
/* See resolvers.h. */

#include "names/resolvers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/files.h"
#include "names/address.h"

#define RESOLV_CONF   "/etc/resolv.conf"
#define FILE_SIZE_MAX (64 << 10)
#define PORT_DNS      53
#define BLANKS	      " \t\r"

int resolvers_parse(char *text, struct endpoint resolvers[RESOLVERS_MAX])
{
	char *next_line = NULL, *next_word = NULL;
	int count = 0;
	bool any = false;

	memset(resolvers, 0, RESOLVERS_MAX * sizeof(*resolvers));
	for (char *line = strtok_r(text, "\n", &next_line); line && count < RESOLVERS_MAX;
		line = strtok_r(NULL, "\n", &next_line)) {
		const char *key = strtok_r(line, BLANKS, &next_word);
		const char *address = key ? strtok_r(NULL, BLANKS, &next_word) : NULL;

		if (!key || strcmp(key, "nameserver"))
			continue;
		any = true;
		if (address &&
			!address_parse(address, strlen(address), &resolvers[count].address))
			resolvers[count++].port = htons(PORT_DNS);
	}
	if (any)
		return count ? count : -EINVAL;
	address_parse("127.0.0.1", strlen("127.0.0.1"), &resolvers[0].address);
	resolvers[0].port = htons(PORT_DNS);
	return 0;
}

int resolvers_read(struct endpoint resolvers[RESOLVERS_MAX], struct failure *failure)
{
	_fd_ int fd = open(RESOLV_CONF, O_RDONLY | O_CLOEXEC);
	_free_ char *text = NULL;
	char nothing[] = "";
	size_t length;
	int count, error = fd < 0 ? -errno : file_read(fd, FILE_SIZE_MAX, &text, &length);

	if (error && error != -ENOENT)
		return fail(failure, error, "cannot read " RESOLV_CONF);
	count = resolvers_parse(text ? text : nothing, resolvers);
	if (count < 0)
		return fail(failure, count,
			RESOLV_CONF
			" has no line 'nameserver ADDRESS' that can be used: the "
			"address is malformed, or has a zone");
	return count;
}
