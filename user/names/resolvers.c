// SPDX-License-Identifier: BSD-2-Clause
/* See resolvers.h. */

#include "names/resolvers.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/files.h"
#include "names/address.h"

#define FILE_SIZE_MAX (64 << 10)
#define PORT_DNS      53
#define BLANKS	      " \t\r"

void resolvers_parse(char *text, struct endpoint resolvers[RESOLVERS_MAX])
{
	char *next_line = NULL, *next_word = NULL;
	struct endpoint *resolver = resolvers, *end = resolvers + RESOLVERS_MAX;

	memset(resolvers, 0, RESOLVERS_MAX * sizeof(*resolvers));
	for (char *line = strtok_r(text, "\n", &next_line); line && resolver < end;
		line = strtok_r(NULL, "\n", &next_line)) {
		const char *key = strtok_r(line, BLANKS, &next_word);
		const char *address = key ? strtok_r(NULL, BLANKS, &next_word) : NULL;

		if (address && !strcmp(key, "nameserver") &&
			!address_parse(address, strlen(address), &resolver->address))
			(resolver++)->port = htons(PORT_DNS);
	}
	if (resolver == resolvers) {
		address_parse("127.0.0.1", strlen("127.0.0.1"), &resolver->address);
		resolver->port = htons(PORT_DNS);
	}
}

int resolvers_read(struct endpoint resolvers[RESOLVERS_MAX])
{
	_fd_ int fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC);
	_free_ char *text = NULL;
	char nothing[] = "";
	size_t length;
	int error = fd < 0 ? -errno : file_read(fd, FILE_SIZE_MAX, &text, &length);

	if (error && error != -ENOENT)
		return error;
	resolvers_parse(text ? text : nothing, resolvers);
	return 0;
}
