// SPDX-License-Identifier: BSD-2-Clause
/*
 * Declarations, one a line. The set is the same in either order, and holds the
 * declarations that it is made of.
 */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/require.h"
#include "names/domains.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Adds a declaration and checks the promises of domains_add(). */
static void add(struct domains *domains, const char *text, size_t length)
{
	size_t count = domains->count;
	const char *problem = NULL;
	int error = domains_add(domains, text, length, &problem);

	require(!error || error == -EINVAL || error == -E2BIG);
	require(!error || (problem && domains->count == count));
}

static void add_forward(struct domains *domains, const char *text, size_t length)
{
	const char *end;

	while (length && (end = memchr(text, '\n', length))) {
		add(domains, text, (size_t)(end - text));
		length -= (size_t)(end + 1 - text);
		text = end + 1;
	}
	add(domains, text, length);
}

static void add_backward(struct domains *domains, const char *text, size_t length)
{
	const char *end;

	while (length && (end = memrchr(text, '\n', length))) {
		add(domains, end + 1, length - (size_t)(end + 1 - text));
		length = (size_t)(end - text);
	}
	add(domains, text, length);
}

static void require_same(const struct domains *a, const struct domains *b)
{
	require(a->count == b->count);
	for (size_t i = 0; i < a->count; i++) {
		require(a->list[i].form == b->list[i].form);
		require(host_equal(&a->list[i].host, &b->list[i].host));
	}
}

/*
 * Each entry, written and read again, is part of the set already. No other entry allows
 * its name.
 */
static void require_normal(struct domains *domains)
{
	char text[NAME_LENGTH_MAX + 3];
	struct domain_key keys[2];
	size_t count = domains->count;

	for (size_t i = 0; i < count; i++) {
		declared_domain_format(&domains->list[i], text);
		require(!domains_add(domains, text, strlen(text), NULL));
		require(domains->count == count);
		require(domains_allow(domains, &domains->list[i].host) ==
			(domains->list[i].form != DOMAIN_BELOW));
		require(declared_domain_keys(&domains->list[i], keys) >= 1);
		require(keys[0].bits == 8U * (domains->list[i].host.length + 1U));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct domains forward = { 0 }, backward = { 0 };

	/* So few that the set can't be full. In a full set the order would matter. */
	if (size > DOMAINS_MAX)
		return -1;
	add_forward(&forward, (const char *)data, size);
	add_backward(&backward, (const char *)data, size);
	require_same(&forward, &backward);
	require_normal(&forward);
	domains_free(&forward);
	domains_free(&backward);
	return 0;
}
