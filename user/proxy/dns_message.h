/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * DNS messages (RFC 1035 section 4), as far as a server needs them that forwards nothing.
 * It reads one question, and answers with at most one address. And it reads for how long an
 * answer of another server that has no address is true. The code is pure: bytes in, bytes
 * out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "names/host.h"

#define DNS_MESSAGE_MAX 1232 /* bytes of an answer. Fits any path, RFC 9715 */
#define DNS_UDP_MIN	512  /* bytes that every client takes */
#define DNS_EXPLAIN_MAX 640  /* bytes of an explanation */

enum dns_type { DNS_TYPE_A = 1, DNS_TYPE_AAAA = 28 };

enum dns_code {
	DNS_NO_ERROR = 0,
	DNS_FORMAT_ERROR = 1,
	DNS_NAME_ERROR = 3, /* no such name */
	DNS_NOT_IMPLEMENTED = 4,
	DNS_REFUSED = 5,
	DNS_BAD_VERSION = 16, /* of EDNS, RFC 6891 section 6.1.3 */
};

struct dns_query {
	uint16_t id;
	bool recursion_desired;
	uint8_t opcode;
	const unsigned char *question; /* in the query's own bytes. NULL: not readable */
	size_t question_length;
	uint16_t type;
	char text[NAME_LENGTH_MAX + 1]; /* the name in dots, for records. Any bytes */
	size_t text_length;
	bool is_host; /* `host` holds the name, which fits our grammar */
	struct host host;
	bool edns;	   /* the client speaks RFC 6891 */
	uint16_t udp_size; /* bytes that it takes by UDP */
};

/*
 * Reads a query. Returns 0, or a positive enum dns_code with which to answer it. Returns
 * -EBADMSG if it is no query at all. Nobody waits for an answer then.
 */
int dns_query_parse(const unsigned char *bytes, size_t length, struct dns_query *query);

struct dns_answer {
	enum dns_code code;
	const struct address *address; /* for a question of its family, or NULL */
	/* Why the name was filtered (RFC 8914 section 4.18), or NULL if it was not. */
	const char *explanation;
};

/*
 * Writes the answer to a query, in at most `size` bytes. `size` is at least DNS_UDP_MIN. A
 * longer answer loses its explanation and is marked as truncated. Returns its length in
 * bytes.
 */
size_t dns_answer_write(const struct dns_query *query, const struct dns_answer *answer,
	unsigned char *bytes, size_t size);

/*
 * Returns for how many seconds it is true that an answer has no address: the lesser of two
 * numbers in the SOA record beside it (RFC 2308 section 5). 0: the answer has no such
 * record, or is malformed.
 */
uint32_t dns_negative_seconds(const unsigned char *bytes, size_t length);
