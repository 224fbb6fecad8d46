// SPDX-License-Identifier: BSD-2-Clause
/*
 * See server_hello.h. Records and messages may be cut in any way. A record may hold several
 * messages, and a message may take several records.
 */

#include "proxy/server_hello.h"

#include <string.h>

#include "proxy/tls_slice.h"

#define FLIGHT_LENGTH_MAX	     16384 /* bytes of handshake that are looked at */
#define HANDSHAKE_SERVER_HELLO	     2	   /* RFC 8446 section 4 */
#define HANDSHAKE_NEW_SESSION_TICKET 4	   /* RFC 5077 section 3.3 */
#define EXTENSION_SUPPORTED_VERSIONS 43	   /* RFC 8446 section 4.2 */
#define ALERT_LENGTH		     2	   /* RFC 8446 section 6 */
#define ALERT_FATAL		     2	   /* the same */
#define TICKET_PREFIX_LENGTH	     6 /* its lifetime and length, RFC 5077 section 3.3 */

/* The random that makes a ServerHello a HelloRetryRequest (RFC 8446 section 4.1.3). */
static const unsigned char retry_random[RANDOM_LENGTH] = { 0xcf, 0x21, 0xad, 0x74, 0xe5,
	0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
	0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c };

/*
 * Whether a record says nothing about the handshake. It is a warning, or one that TLS 1.3
 * sends before the second ServerHello for the sake of old equipment.
 */
static bool says_nothing(size_t type, struct slice content, bool began)
{
	if (type == RECORD_CHANGE_CIPHER_SPEC)
		return !began;
	return type == RECORD_ALERT &&
	       !(content.length == ALERT_LENGTH && content.bytes[0] == ALERT_FATAL);
}

/*
 * Collects the bytes of the handshake in `buffer`, up to another kind of record. The buffer
 * has room for FLIGHT_LENGTH_MAX bytes. Returns the type of that record, or 0 if none has
 * come yet.
 */
static size_t collect(struct slice input, unsigned char *buffer, struct slice *flight)
{
	size_t type, version, length;
	struct slice content;

	*flight = slice_of(buffer, 0);
	while (take_number(&input, 1, &type)) {
		size_t room = FLIGHT_LENGTH_MAX - flight->length;

		if (type != RECORD_HANDSHAKE && type != RECORD_ALERT &&
			!(type == RECORD_CHANGE_CIPHER_SPEC && !flight->length))
			return type;
		if (!take_number(&input, 2, &version) || !take_number(&input, 2, &length))
			return 0;
		if (type != RECORD_HANDSHAKE && input.length < length)
			return 0;
		take(&input, length < input.length ? length : input.length, &content);
		if (type == RECORD_HANDSHAKE) {
			size_t count = content.length < room ? content.length : room;

			memcpy(buffer + flight->length, content.bytes, count);
			flight->length += count;
		} else if (!says_nothing(type, content, flight->length)) {
			return type;
		}
	}
	return 0;
}

/*
 * Parses a whole ServerHello (RFC 8446 section 4.1.3, RFC 5246 section 7.4.1.3). Returns
 * SERVER_HELLO_FULL for all versions older than TLS 1.3.
 */
static enum server_hello_result parse_hello(struct slice hello, struct server_hello *parsed)
{
	struct slice version, random, id, suite, extensions = { 0 }, extension;
	enum server_hello_result result = SERVER_HELLO_FULL;
	size_t type;

	if (!take(&hello, 2, &version) || !take(&hello, RANDOM_LENGTH, &random) ||
		!take_vector(&hello, 1, &id) || id.length > SESSION_ID_LENGTH_MAX ||
		!take(&hello, 3, &suite))
		return SERVER_HELLO_BAD;
	if (!memcmp(random.bytes, retry_random, RANDOM_LENGTH))
		return SERVER_HELLO_RETRY;
	if (hello.length && (!take_vector(&hello, 2, &extensions) || hello.length))
		return SERVER_HELLO_BAD;
	while (extensions.length) {
		if (!take_number(&extensions, 2, &type) ||
			!take_vector(&extensions, 2, &extension))
			return SERVER_HELLO_BAD;
		if (type == EXTENSION_SUPPORTED_VERSIONS)
			result = SERVER_HELLO_TLS13;
	}
	memcpy(parsed->id, id.bytes, id.length);
	parsed->id_length = id.length;
	return result;
}

/*
 * Tells a full handshake from a resumed one, for versions older than TLS 1.3. The message
 * that follows the ServerHello shows it.
 */
static enum server_hello_result parse_next(size_t type)
{
	switch (type) {
	case 11: /* Certificate, RFC 5246 section 7.4 */
	case 12: /* ServerKeyExchange, without certificates */
	case 14: /* ServerHelloDone, the same */
	case 23: /* SupplementalData, RFC 4680 */
		return SERVER_HELLO_FULL;
	case HANDSHAKE_NEW_SESSION_TICKET:
		return SERVER_HELLO_RESUMED;
	default:
		return SERVER_HELLO_BAD;
	}
}

enum server_hello_result server_hello_parse(
	const unsigned char *bytes, size_t length, struct server_hello *hello)
{
	unsigned char buffer[FLIGHT_LENGTH_MAX];
	struct slice flight, message;
	size_t stop = collect(slice_of(bytes, length), buffer, &flight), type;
	struct server_hello parsed;
	enum server_hello_result result;
	bool full = flight.length == FLIGHT_LENGTH_MAX;

	if (!take_number(&flight, 1, &type))
		return stop ? SERVER_HELLO_NO_TLS : SERVER_HELLO_MORE;
	if (type != HANDSHAKE_SERVER_HELLO)
		return SERVER_HELLO_BAD;
	if (!take_vector(&flight, 3, &message))
		return stop == RECORD_ALERT ? SERVER_HELLO_NO_TLS
		       : stop || full	    ? SERVER_HELLO_BAD
					    : SERVER_HELLO_MORE;
	result = parse_hello(message, &parsed);
	if (result != SERVER_HELLO_FULL)
		return result;
	if (take_number(&flight, 1, &type))
		result = parse_next(type);
	else if (stop == RECORD_CHANGE_CIPHER_SPEC)
		result = SERVER_HELLO_RESUMED;
	else if (stop == RECORD_ALERT)
		return SERVER_HELLO_NO_TLS;
	else
		return stop || full ? SERVER_HELLO_BAD : SERVER_HELLO_MORE;
	if (result != SERVER_HELLO_BAD)
		*hello = parsed;
	return result;
}

void ticket_watch_begin(struct ticket_watch *watch, const struct siphash *hash)
{
	*watch = (struct ticket_watch){ .begun = *hash };
}

/* Begins a message, whose header is whole. */
static void begin_message(struct ticket_watch *watch)
{
	const unsigned char *header = watch->message;

	watch->message_left = (size_t)(header[1] << 16 | header[2] << 8 | header[3]);
	watch->content = 0;
	watch->hash = watch->begun;
}

static void see_handshake(struct ticket_watch *watch, unsigned char byte)
{
	bool ticket;

	if (watch->message_header < HANDSHAKE_HEADER_LENGTH) {
		watch->message[watch->message_header++] = byte;
		if (watch->message_header < HANDSHAKE_HEADER_LENGTH)
			return;
		begin_message(watch);
	} else {
		if (watch->content++ >= TICKET_PREFIX_LENGTH)
			siphash_add(&watch->hash, &byte, 1);
		watch->message_left--;
	}
	if (watch->message_left)
		return;
	ticket = watch->message[0] == HANDSHAKE_NEW_SESSION_TICKET &&
		 watch->content > TICKET_PREFIX_LENGTH;
	if (ticket)
		watch->mark = siphash_end(&watch->hash);
	watch->message_header = 0;
}

bool ticket_watch_see(struct ticket_watch *watch, const unsigned char *bytes, size_t length)
{
	for (const unsigned char *end = bytes + length; bytes < end; bytes++) {
		unsigned char *header = watch->record;

		if (watch->record_left) {
			watch->record_left--;
			if (header[0] == RECORD_HANDSHAKE)
				see_handshake(watch, *bytes);
			continue;
		}
		header[watch->record_header++] = *bytes;
		if (header[0] != RECORD_HANDSHAKE && header[0] != RECORD_ALERT)
			return false;
		if (watch->record_header == RECORD_HEADER_LENGTH) {
			watch->record_left = (size_t)(header[3] << 8 | header[4]);
			watch->record_header = 0;
		}
	}
	return true;
}
