// SPDX-License-Identifier: BSD-2-Clause
/*
 * DNS queries, and answers without an address. The readers stay within their bounds. Every
 * answer that is written fits, has the question as it came, and is not a query itself.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/require.h"
#include "proxy/dns_message.h"

#define HEADER_LENGTH 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require_readable(
	const struct dns_query *query, const uint8_t *bytes, size_t size)
{
	require(query->question == bytes + HEADER_LENGTH);
	require(query->question_length >= 5 &&
		query->question_length <= size - HEADER_LENGTH);
	require(query->text_length <= NAME_LENGTH_MAX);
	if (!query->is_host)
		return;
	require(query->host.length && strlen(query->host.name) == query->host.length);
	require(!memchr(query->text, '\0', query->text_length));
}

/* The answer, turned into a query again, asks the same. */
static void require_same_question(
	const struct dns_query *query, const uint8_t *answer, size_t length)
{
	uint8_t copy[DNS_MESSAGE_MAX];
	struct dns_query again;

	memcpy(copy, answer, length);
	memcpy(copy + 2, "\0\0\0\1\0\0\0\0\0\0", HEADER_LENGTH - 2);
	dns_query_parse(copy, length, &again);
	require(again.question && again.question_length == query->question_length);
	require(!memcmp(again.question, query->question, query->question_length));
	require(again.type == query->type && again.is_host == query->is_host);
}

static void require_answer(
	const struct dns_query *query, const struct dns_answer *answer, size_t size)
{
	uint8_t *bytes = calloc(1, size);
	struct dns_query again;
	size_t length;

	require(bytes);
	length = dns_answer_write(query, answer, bytes, size);
	require(length >= HEADER_LENGTH && length <= size);
	require((bytes[0] << 8 | bytes[1]) == query->id);
	require(dns_query_parse(bytes, length, &again) == -EBADMSG);
	if (query->question)
		require_same_question(query, bytes, length);
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct address address = { .bytes = "\1\0\0\0\0\0\0\1" };
	static char explanation[DNS_EXPLAIN_MAX + 1];
	struct dns_answer answer = {};
	struct dns_query query;
	size_t room;
	uint8_t *copy;
	int result;

	if (size < 2)
		return 0;
	room = DNS_UDP_MIN +
	       (size_t)(data[0] << 8 | data[1]) % (DNS_MESSAGE_MAX - DNS_UDP_MIN + 1);
	data += 2;
	size -= 2;
	copy = malloc(size ? size : 1);
	require(copy);
	memcpy(copy, data, size);
	require(dns_negative_seconds(copy, size) <= INT32_MAX);
	result = dns_query_parse(copy, size, &query);
	if (query.question)
		require_readable(&query, copy, size);
	if (result > 0) {
		answer.code = (enum dns_code)result;
		require_answer(&query, &answer, room);
	} else if (!result) {
		require_answer(&query, &answer, room);
		answer.address = &address;
		require_answer(&query, &answer, room);
		memset(explanation, 'x', DNS_EXPLAIN_MAX);
		answer = (struct dns_answer){ .code = DNS_NAME_ERROR,
			.explanation = explanation };
		require_answer(&query, &answer, room);
	}
	free(copy);
	return 0;
}
