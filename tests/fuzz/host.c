// SPDX-License-Identifier: BSD-2-Clause
/* Hosts. An accepted host is canonical, and reads as itself again. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/require.h"
#include "names/host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require_canonical(const struct host *host)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
	struct host again;

	require(host->length >= 1 && host->length <= NAME_LENGTH_MAX);
	require(strlen(host->name) == host->length);
	require(host->literal || host->name[host->length - 1] != '.');
	require(host->literal || strspn(host->name, allowed) == host->length);
	require(strspn(host->name, "0123456789abcdef.:") == host->length || !host->literal);
	require(!host_parse(host->name, host->length, HOST_NO_BRACKETS, &again));
	require(host_equal(host, &again) && host->literal == again.literal);
	require(!memcmp(&host->address, &again.address, sizeof(again.address)));
}

/* Host and port, written anew, are the same host and port. */
static void require_round_trip(const struct host *host, uint16_t port)
{
	char text[NAME_LENGTH_MAX + 16];
	bool brackets = memchr(host->name, ':', host->length);
	struct host again;
	uint16_t port_again;
	int length;

	length = snprintf(text, sizeof(text), port ? "%s%s%s:%u" : "%s%s%s",
		brackets ? "[" : "", host->name, brackets ? "]" : "", port);
	require(!host_parse_with_port(text, (size_t)length, &again, &port_again));
	require(host_equal(host, &again) && port == port_again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct host host;
	uint16_t port;

	if (!host_parse(text, size, HOST_NO_BRACKETS, &host))
		require_canonical(&host);
	if (!host_parse(text, size, HOST_BRACKETS, &host)) {
		require_canonical(&host);
		require(!host_parse_with_port(text, size, &host, &port) && !port);
	}
	if (!host_parse_with_port(text, size, &host, &port)) {
		require_canonical(&host);
		require_round_trip(&host, port);
	}
	return 0;
}
