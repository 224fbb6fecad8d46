// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reading: the cursor can't go beyond its end. Once it failed, it stays so. Only the one
 * question is read, and without compression, for which it has no use. After it, only the
 * OPT record is read (RFC 6891 section 6.1.2), in the one place where clients put it.
 *
 * Writing: the buffer is large enough for the largest answer. Only the explanation can make
 * an answer too long for the client. If so, the answer is written once more without it.
 */

#include <errno.h>
#include <string.h>

#include "proxy/dns_message.h"

#define HEADER_LENGTH	12
#define LABEL_MAX	63
#define POINTER		0xc0 /* the first byte of one, at least */
#define CLASS_IN	1
#define TYPE_SOA	6
#define TYPE_OPT	41
#define OPTION_EDE	15 /* RFC 8914 section 2 */
#define EDE_FILTERED	17 /* RFC 8914 section 4.18 */
#define FLAG_RESPONSE	0x8000
#define FLAG_AUTHORITY	0x0400
#define FLAG_TRUNCATED	0x0200
#define FLAG_RECURSION	0x0100
#define FLAG_AVAILABLE	0x0080
#define CODE_BITS	4 /* in the header. The OPT record has more */
#define POINTER_TO_NAME (0xc000 | HEADER_LENGTH)
#define TIME_TO_LIVE	60 /* seconds */

/* Bytes of the parts of an answer, at most. */
#define QUESTION_MAX (255 + 2 * sizeof(uint16_t)) /* RFC 1035 section 2.3.4 */
#define RECORD_MAX   (12 + 22)			  /* the SOA */
#define EDNS_LENGTH  11
#define ANSWER_MAX   (HEADER_LENGTH + QUESTION_MAX + RECORD_MAX + EDNS_LENGTH)

_Static_assert(ANSWER_MAX <= DNS_UDP_MIN, "an answer without explanation fits always");
_Static_assert(ANSWER_MAX + 6 + DNS_EXPLAIN_MAX <= DNS_MESSAGE_MAX, "any answer fits");

struct reader {
	const unsigned char *next, *end;
	bool failed;
};

static const unsigned char *take(struct reader *reader, size_t length)
{
	const unsigned char *bytes = reader->next;

	if (reader->failed || (size_t)(reader->end - reader->next) < length) {
		reader->failed = true;
		return NULL;
	}
	reader->next += length;
	return bytes;
}

static uint8_t take8(struct reader *reader)
{
	const unsigned char *bytes = take(reader, 1);

	return bytes ? bytes[0] : 0;
}

static uint16_t take16(struct reader *reader)
{
	const unsigned char *bytes = take(reader, 2);

	return bytes ? (uint16_t)(bytes[0] << 8 | bytes[1]) : 0;
}

static uint32_t take32(struct reader *reader)
{
	uint32_t high = take16(reader);

	return high << 16 | take16(reader);
}

/*
 * Reads the labels of a name, with dots between them. A dot within a label makes it no
 * host.
 */
static void take_name(struct reader *reader, struct dns_query *query)
{
	bool strange = false;
	uint8_t length;

	query->text_length = 0;
	while ((length = take8(reader))) {
		const unsigned char *label =
			length <= LABEL_MAX ? take(reader, length) : NULL;

		if (!label || query->text_length + length + 1 > NAME_LENGTH_MAX + 1) {
			reader->failed = true;
			return;
		}
		strange |= memchr(label, '.', length) != NULL;
		memcpy(query->text + query->text_length, label, length);
		query->text_length += length;
		query->text[query->text_length++] = '.';
	}
	if (query->text_length)
		query->text_length--;
	query->is_host = !strange && !host_parse(query->text, query->text_length,
					     HOST_NO_BRACKETS, &query->host);
}

/* Returns 0 or a positive enum dns_code. */
static int take_edns(struct reader *reader, struct dns_query *query)
{
	uint16_t size;
	uint8_t version;

	if (take8(reader) || take16(reader) != TYPE_OPT)
		return reader->failed ? DNS_FORMAT_ERROR : 0;
	size = take16(reader);
	take8(reader); /* part of an answer's code */
	version = take8(reader);
	take16(reader); /* flags */
	take(reader, take16(reader));
	if (reader->failed)
		return DNS_FORMAT_ERROR;
	query->edns = true;
	query->udp_size = size > DNS_UDP_MIN ? size : DNS_UDP_MIN;
	return version ? DNS_BAD_VERSION : 0;
}

int dns_query_parse(const unsigned char *bytes, size_t length, struct dns_query *query)
{
	struct reader reader = { .next = bytes, .end = bytes + length };
	uint16_t flags, questions, answers, authorities, additional, class;
	int error;

	*query = (struct dns_query){ .udp_size = DNS_UDP_MIN };
	query->id = take16(&reader);
	flags = take16(&reader);
	questions = take16(&reader);
	answers = take16(&reader);
	authorities = take16(&reader);
	additional = take16(&reader);
	if (reader.failed || flags & FLAG_RESPONSE)
		return -EBADMSG;
	query->opcode = flags >> 11 & 0xf;
	query->recursion_desired = flags & FLAG_RECURSION;
	if (query->opcode)
		return DNS_NOT_IMPLEMENTED;
	if (questions != 1 || answers || authorities)
		return DNS_FORMAT_ERROR;
	take_name(&reader, query);
	query->type = take16(&reader);
	class = take16(&reader);
	if (reader.failed)
		return DNS_FORMAT_ERROR;
	query->question = bytes + HEADER_LENGTH;
	query->question_length = (size_t)(reader.next - query->question);
	error = additional ? take_edns(&reader, query) : 0;
	if (error)
		return error;
	return class == CLASS_IN ? 0 : DNS_REFUSED;
}

struct writer {
	unsigned char bytes[DNS_MESSAGE_MAX];
	size_t length;
};

static void put(struct writer *writer, const void *bytes, size_t length)
{
	memcpy(writer->bytes + writer->length, bytes, length);
	writer->length += length;
}

static void put8(struct writer *writer, unsigned value)
{
	writer->bytes[writer->length++] = (unsigned char)value;
}

static void put16(struct writer *writer, unsigned value)
{
	put8(writer, value >> 8);
	put8(writer, value);
}

static void put32(struct writer *writer, uint32_t value)
{
	put16(writer, value >> 16);
	put16(writer, value & 0xffff);
}

static void put_header(struct writer *writer, const struct dns_query *query, unsigned flags,
	unsigned answers, unsigned authorities)
{
	put16(writer, query->id);
	put16(writer, FLAG_RESPONSE | FLAG_AUTHORITY | FLAG_AVAILABLE |
			      (unsigned)query->opcode << 11 |
			      (query->recursion_desired ? FLAG_RECURSION : 0) | flags);
	put16(writer, query->question ? 1 : 0);
	put16(writer, answers);
	put16(writer, authorities);
	put16(writer, query->edns ? 1 : 0);
	if (query->question)
		put(writer, query->question, query->question_length);
}

static void put_record(struct writer *writer, unsigned type, size_t length)
{
	put16(writer, POINTER_TO_NAME);
	put16(writer, type);
	put16(writer, CLASS_IN);
	put32(writer, TIME_TO_LIVE);
	put16(writer, (unsigned)length);
}

static void put_address(struct writer *writer, uint16_t type, const struct address *address)
{
	size_t skip = type == DNS_TYPE_A ? 12 : 0;

	put_record(writer, type, sizeof(address->bytes) - skip);
	put(writer, address->bytes + skip, sizeof(address->bytes) - skip);
}

/* Writes the record by which a client may keep a negative answer (RFC 2308 section 3). */
static void put_authority(struct writer *writer)
{
	put_record(writer, TYPE_SOA, 2 + 5 * sizeof(uint32_t));
	put8(writer, 0); /* the primary server, the mailbox: none */
	put8(writer, 0);
	put32(writer, 1);
	for (int i = 0; i < 4; i++)
		put32(writer, TIME_TO_LIVE);
}

static void put_edns(struct writer *writer, const struct dns_answer *answer)
{
	size_t length =
		answer->explanation ? strnlen(answer->explanation, DNS_EXPLAIN_MAX) : 0;

	put8(writer, 0);
	put16(writer, TYPE_OPT);
	put16(writer, DNS_MESSAGE_MAX);
	put32(writer, (uint32_t)answer->code >> CODE_BITS << 24);
	put16(writer, answer->explanation ? (unsigned)(6 + length) : 0);
	if (!answer->explanation)
		return;
	put16(writer, OPTION_EDE);
	put16(writer, (unsigned)(2 + length));
	put16(writer, EDE_FILTERED);
	put(writer, answer->explanation, length);
}

static void put_answer(struct writer *writer, const struct dns_query *query,
	const struct dns_answer *answer, unsigned flags)
{
	bool negative = query->question && !answer->address &&
			(answer->code == DNS_NO_ERROR || answer->code == DNS_NAME_ERROR);

	writer->length = 0;
	put_header(writer, query, flags | (answer->code & ((1U << CODE_BITS) - 1)),
		answer->address != NULL, negative);
	if (answer->address)
		put_address(writer, query->type, answer->address);
	if (negative)
		put_authority(writer);
	if (query->edns)
		put_edns(writer, answer);
}

size_t dns_answer_write(const struct dns_query *query, const struct dns_answer *answer,
	unsigned char *bytes, size_t size)
{
	struct dns_answer brief = *answer;
	struct writer writer;

	put_answer(&writer, query, answer, 0);
	if (writer.length > size) {
		/* The answer has to be marked as truncated then (RFC 8914 section 3). */
		brief.explanation = NULL;
		put_answer(&writer, query, &brief, FLAG_TRUNCATED);
	}
	memcpy(bytes, writer.bytes, writer.length);
	return writer.length;
}

/* A name may end in a pointer to another one (RFC 1035 section 4.1.4). */
static void skip_name(struct reader *reader)
{
	uint8_t length;

	while ((length = take8(reader)) && length <= LABEL_MAX)
		take(reader, length);
	if (length >= POINTER)
		take8(reader);
	else if (length)
		reader->failed = true;
}

/* Reads a record. Returns the seconds that an SOA gives to negative answers, else 0. */
static uint32_t take_negative(struct reader *reader)
{
	struct reader data = {};
	uint16_t type;
	uint32_t seconds, minimum;

	skip_name(reader);
	type = take16(reader);
	take16(reader); /* class */
	seconds = take32(reader);
	data.next = take(reader, take16(reader));
	data.end = reader->next;
	if (reader->failed || type != TYPE_SOA)
		return 0;
	skip_name(&data); /* the primary server, and the mailbox */
	skip_name(&data);
	take(&data, 4 * sizeof(uint32_t));
	minimum = take32(&data);
	if (data.failed || (seconds | minimum) > INT32_MAX)
		return 0; /* as RFC 2181 section 8 has it */
	return seconds < minimum ? seconds : minimum;
}

uint32_t dns_negative_seconds(const unsigned char *bytes, size_t length)
{
	struct reader reader = { .next = bytes, .end = bytes + length };
	uint16_t questions, answers, authorities;
	uint32_t seconds = 0;

	take(&reader, 2 * sizeof(uint16_t));
	questions = take16(&reader);
	answers = take16(&reader);
	authorities = take16(&reader);
	take16(&reader); /* additional records */
	while (questions-- && !reader.failed) {
		skip_name(&reader);
		take(&reader, 2 * sizeof(uint16_t));
	}
	while (answers-- && !reader.failed)
		take_negative(&reader);
	while (authorities-- && !seconds && !reader.failed)
		seconds = take_negative(&reader);
	return reader.failed ? 0 : seconds;
}
