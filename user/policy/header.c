// SPDX-License-Identifier: BSD-2-Clause
/* See header.h. */

#include "policy/header.h"

#include <string.h>

#include "lib/cleanup.h"

#define CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"

/* Headers that HTTP itself needs. The added header must not replace them. */
static bool is_reserved_header(const char *name)
{
	static const char *const reserved[] = { "Connection", "Content-Length", "Date",
		"Expect", "Host", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection",
		"TE", "Trailer", "Transfer-Encoding", "Upgrade" };

	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
		if (!strcasecmp(name, reserved[i]))
			return true;
	return false;
}

bool header_is_free(const char *name)
{
	size_t length = strlen(name);

	return length && length <= HEADER_MAX && strspn(name, CHARACTERS) == length &&
	       !is_reserved_header(name);
}
