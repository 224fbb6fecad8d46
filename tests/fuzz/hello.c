// SPDX-License-Identifier: BSD-2-Clause
/*
 * ClientHellos, and the first bytes of servers. A decision on some bytes stays when more
 * bytes come, and is the same on all bytes. It does not matter how the bytes are cut into
 * records.
 */

#include <stdlib.h>
#include <string.h>

#include "lib/require.h"
#include "proxy/client_hello.h"
#include "proxy/server_hello.h"

#define RECORD_HEADER_LENGTH 5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Parses a copy of the bytes, so that AddressSanitizer sees a read beyond their end. */
static enum hello_result parse(const uint8_t *data, size_t size, struct host *host)
{
	unsigned char *copy = malloc(size);
	static struct hello_offer offer;
	enum hello_result result;
	bool encrypted;
	size_t end = 0;

	require(copy || !size);
	if (size)
		memcpy(copy, data, size);
	result = hello_parse(copy, size, host, &encrypted, &end);
	require(end <= size && hello_skip(copy, size) <= size);
	if (result == HELLO_NAME || result == HELLO_NO_NAME)
		hello_parse_offer(copy, size, &offer);
	free(copy);
	return result;
}

static enum server_hello_result answer(const uint8_t *data, size_t size)
{
	unsigned char *copy = malloc(size);
	struct server_hello hello = { 0 };
	enum server_hello_result result;

	require(copy || !size);
	if (size)
		memcpy(copy, data, size);
	result = server_hello_parse(copy, size, &hello);
	require(hello.id_length <= sizeof(hello.id));
	free(copy);
	return result;
}

/*
 * Reads the same bytes as a server's. A decision stays, and a ticket is found however the
 * bytes are cut.
 */
static void require_answer(const uint8_t *data, size_t size, size_t cut)
{
	static const uint64_t key[2] = { 1, 2 };
	enum server_hello_result early = answer(data, cut);
	struct ticket_watch whole, parts;
	struct siphash hash;

	require(early == SERVER_HELLO_MORE || answer(data, size) == early);
	siphash_begin(&hash, key);
	ticket_watch_begin(&whole, &hash);
	ticket_watch_begin(&parts, &hash);
	require(ticket_watch_see(&whole, data, size) ==
		(ticket_watch_see(&parts, data, cut) &&
			ticket_watch_see(&parts, data + cut, size - cut)));
	require(whole.mark == parts.mark);
}

/*
 * If the first record holds the whole message, reads the same message in records of
 * `part` bytes.
 */
static void require_same_in_parts(
	const uint8_t *data, size_t size, size_t part, const struct host *host)
{
	size_t length = (size_t)(data[3] << 8 | data[4]), written = 0, count;
	unsigned char cut[2 * HELLO_LENGTH_MAX];
	struct host again;

	if (length + RECORD_HEADER_LENGTH > size ||
		length + (length / part + 1) * RECORD_HEADER_LENGTH > HELLO_LENGTH_MAX)
		return;
	data += RECORD_HEADER_LENGTH;
	for (; length; length -= count, data += count) {
		const unsigned char header[RECORD_HEADER_LENGTH] = { 22, 3, 1 };

		count = length < part ? length : part;
		memcpy(cut + written, header, sizeof(header));
		cut[written + 4] = (unsigned char)count;
		memcpy(cut + written + sizeof(header), data, count);
		written += sizeof(header) + count;
	}
	require(parse(cut, written, &again) == HELLO_NAME && host_equal(host, &again));
}

static bool message_is_in_one_record(const uint8_t *data)
{
	return (size_t)(data[3] << 8 | data[4]) >= 4 &&
	       (size_t)(data[6] << 16 | data[7] << 8 | data[8]) + 4 ==
		       (size_t)(data[3] << 8 | data[4]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct host host, early;
	enum hello_result result, prefix;
	size_t part;

	if (!size)
		return 0;
	part = data[0] % 255U + 1;
	data++;
	size--;
	require_answer(data, size, size * part / 256);
	result = parse(data, size, &host);
	prefix = parse(data, size * part / 256, &early);
	require(prefix == HELLO_MORE || prefix == result);
	if (result != HELLO_NAME)
		return 0;
	require(host.length && !host.literal && strlen(host.name) == host.length);
	require(prefix != HELLO_NAME || host_equal(&host, &early));
	if (message_is_in_one_record(data))
		require_same_in_parts(data, size, part, &host);
	return 0;
}
