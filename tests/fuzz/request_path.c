// SPDX-License-Identifier: BSD-2-Clause
/*
 * Paths of requests. The canonical form is its own canonical form, is no longer than what
 * it was made of, and has nothing that two servers could read in two ways.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/require.h"
#include "names/request_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require_has_none(const char *path, size_t length, const char *text)
{
	require(!memmem(path, length, text, strlen(text)));
}

static void require_plain(const char *path, size_t length)
{
	static const char *const refused[] = { "//", "/./", "/../", "/;", "/.;", "/..;",
		"/%3B", "/.%3B", "/..%3B", "/..%3F", "/..%23", "%2F", "%5C", "\\", "%2E",
		"%41", "%00", "%0A", "%7F", "%C0", "%2f", "%252F", "%252e", "%255c",
		"%2525", "#" };

	require(length && path[0] == '/');
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		require_has_none(path, length, refused[i]);
	require(length < 2 || memcmp(path + length - 2, "/.", 2));
	require(length < 3 || memcmp(path + length - 3, "/..", 3));
	for (size_t i = 0; i < length; i++)
		require(path[i] > ' ' && path[i] <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	char *out = malloc(size + 1), *again = malloc(size + 2);
	size_t length, length_again;

	require(out && again);
	if (!request_path_canonical(text, size, out, &length)) {
		size_t query = size - request_path_length(text, size);

		require(length <= size + 1);
		require_plain(out, request_path_length(out, length));
		require(query == length - request_path_length(out, length));
		require(!memcmp(text + size - query, out + length - query, query));
		require(!request_path_canonical(out, length, again, &length_again));
		require(length == length_again && !memcmp(out, again, length));
	}
	free(out);
	free(again);
	return 0;
}
