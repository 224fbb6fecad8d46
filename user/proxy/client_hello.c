// SPDX-License-Identifier: BSD-2-Clause
/*
 * A ClientHello is read in two steps. First the handshake bytes are gathered from the
 * records that carry them. Then the whole ClientHello is parsed. A part of one is rejected
 * only if it can't become a ClientHello.
 *
 * Beside an encrypted ClientHello, the name in the clear does not say where the connection
 * ends. So a hello that carries one is marked. A browser sends a decoy of one to every
 * site, and nobody can tell it from a real one (RFC 9849 section 6.2). Drafts of it
 * encrypted the name alone. Such a hello is rejected.
 */

#include "proxy/client_hello.h"

#include <stdint.h>
#include <string.h>

#include "proxy/tls_slice.h"
#include "proxy/tls_wire.h"

#define HANDSHAKE_CLIENT_HELLO		 1	/* RFC 8446 section 4 */
#define NAME_TYPE_HOST			 0	/* RFC 6066 section 3 */
#define EXTENSION_SERVER_NAME		 0	/* the same */
#define EXTENSION_PROTOCOLS		 16	/* RFC 7301 section 3.1 */
#define EXTENSION_SESSION_TICKET	 35	/* RFC 5077 section 3.2 */
#define EXTENSION_ENCRYPTED_CLIENT_HELLO 0xfe0d /* RFC 9849 section 5 */
#define EXTENSION_ENCRYPTED_SERVER_NAME	 0xffce /* drafts of it */

/*
 * A list may hold one host name and nothing else. No other type of name exists, and none
 * may come twice (RFC 6066 section 3).
 */
static bool parse_server_name(struct slice extension, struct host *host)
{
	struct slice list, name;
	struct host parsed;
	size_t type;

	if (!take_vector(&extension, 2, &list) || extension.length ||
		!take_number(&list, 1, &type) || type != NAME_TYPE_HOST ||
		!take_vector(&list, 2, &name) || list.length)
		return false;
	if (host_parse(name.bytes, name.length, HOST_NO_BRACKETS, &parsed) ||
		parsed.literal)
		return false;
	*host = parsed;
	return true;
}

static enum hello_result parse_extensions(
	struct slice extensions, struct host *host, bool *encrypted)
{
	enum hello_result result = HELLO_NO_NAME;
	struct host parsed = { 0 };
	struct slice extension;
	bool any = false;
	size_t type;

	while (extensions.length) {
		if (!take_number(&extensions, 2, &type) ||
			!take_vector(&extensions, 2, &extension))
			return HELLO_BAD;
		if (type == EXTENSION_ENCRYPTED_SERVER_NAME)
			return HELLO_BAD;
		if (type == EXTENSION_ENCRYPTED_CLIENT_HELLO)
			any = true;
		if (type != EXTENSION_SERVER_NAME)
			continue;
		if (result == HELLO_NAME || !parse_server_name(extension, &parsed))
			return HELLO_BAD;
		result = HELLO_NAME;
	}
	if (result == HELLO_NAME)
		*host = parsed;
	*encrypted = any;
	return result;
}

/* Parses a whole ClientHello (RFC 8446 section 4.1.2). */
static enum hello_result parse_client_hello(
	struct slice hello, struct host *host, bool *encrypted)
{
	struct slice random, session, suites, compressions, extensions;
	size_t version;

	if (!take_number(&hello, 2, &version) || version >> 8 != VERSION_MAJOR ||
		!take(&hello, RANDOM_LENGTH, &random) ||
		!take_vector(&hello, 1, &session) ||
		session.length > SESSION_ID_LENGTH_MAX ||
		!take_vector(&hello, 2, &suites) || suites.length < 2 ||
		suites.length % 2 || !take_vector(&hello, 1, &compressions) ||
		!compressions.length)
		return HELLO_BAD;
	if (!hello.length) {
		*encrypted = false;
		return HELLO_NO_NAME;
	}
	if (!take_vector(&hello, 2, &extensions) || hello.length)
		return HELLO_BAD;
	return parse_extensions(extensions, host, encrypted);
}

/*
 * Returns the length of a handshake message with its header. While that is not known,
 * returns the length of the header alone.
 */
static size_t message_length(struct slice message)
{
	size_t length = 0;
	struct slice header;

	if (!take(&message, 1, &header) || !take_number(&message, 3, &length))
		return HANDSHAKE_HEADER_LENGTH;
	return HANDSHAKE_HEADER_LENGTH + length;
}

/*
 * Takes a record, or as much of it as has come. `content` becomes its bytes. `*length`
 * becomes the length that it announces.
 */
static enum hello_result take_record(
	struct slice *input, struct slice *content, size_t *length)
{
	struct slice header;

	if (!input->length)
		return HELLO_MORE;
	if (input->bytes[0] != RECORD_HANDSHAKE ||
		(input->length > 1 && input->bytes[1] != VERSION_MAJOR))
		return HELLO_BAD;
	if (!take(input, RECORD_HEADER_LENGTH - 2, &header) ||
		!take_number(input, 2, length))
		return HELLO_MORE;
	/* RFC 8446 section 5.1 forbids empty fragments of a handshake. */
	if (!*length)
		return HELLO_BAD;
	take(input, *length < input->length ? *length : input->length, content);
	return HELLO_NAME;
}

/*
 * Gathers the first handshake message, with its header, in `buffer`. The buffer has room
 * for HELLO_LENGTH_MAX bytes.
 *
 * Returns HELLO_NAME when `message` is whole. `*end` is then the end of its records.
 * Otherwise returns HELLO_MORE or HELLO_BAD.
 */
static enum hello_result gather(
	struct slice input, unsigned char *buffer, struct slice *message, size_t *end)
{
	const char *start = input.bytes;
	enum hello_result result;
	struct slice content;
	size_t length;

	*message = slice_of(buffer, 0);
	while ((result = take_record(&input, &content, &length)) == HELLO_NAME) {
		size_t announced = message->length + length;

		if ((size_t)(content.bytes - start) + length > HELLO_LENGTH_MAX)
			return HELLO_BAD;
		memcpy(buffer + message->length, content.bytes, content.length);
		message->length += content.length;
		if (message->length && buffer[0] != HANDSHAKE_CLIENT_HELLO)
			return HELLO_BAD;
		if (message_length(*message) > HELLO_LENGTH_MAX - RECORD_HEADER_LENGTH)
			return HELLO_BAD;
		if (message->length < HANDSHAKE_HEADER_LENGTH)
			continue;
		/* Another message may not begin in the record in which this one ends. */
		if (announced > message_length(*message))
			return HELLO_BAD;
		if (message->length == message_length(*message)) {
			*end = (size_t)(input.bytes - start);
			return HELLO_NAME;
		}
	}
	return result;
}

enum hello_result hello_parse(const unsigned char *bytes, size_t length, struct host *host,
	bool *encrypted, size_t *end)
{
	unsigned char buffer[HELLO_LENGTH_MAX];
	struct slice message, header;
	enum hello_result result;

	result = gather(slice_of(bytes, length), buffer, &message, end);
	if (result != HELLO_NAME)
		return result;
	take(&message, HANDSHAKE_HEADER_LENGTH, &header);
	return parse_client_hello(message, host, encrypted);
}

/*
 * Finds an extension of that type in the extensions of a whole ClientHello. It stays empty
 * if there is none. Returns false if they are malformed or have two of that type.
 */
static bool find_extension(struct slice extensions, size_t wanted, struct slice *found)
{
	bool any = false;
	struct slice extension;
	size_t type;

	while (extensions.length) {
		if (!take_number(&extensions, 2, &type) ||
			!take_vector(&extensions, 2, &extension))
			return false;
		if (type != wanted)
			continue;
		if (any)
			return false;
		any = true;
		*found = extension;
	}
	return true;
}

/*
 * Finds the session id and the extensions of a ClientHello. Its message is written to
 * `buffer`. Returns false if that can't be done.
 */
static bool take_apart(const unsigned char *bytes, size_t length, unsigned char *buffer,
	struct slice *session, struct slice *extensions)
{
	struct slice message, fixed, vector;
	size_t end;

	*extensions = (struct slice){ 0 };
	return gather(slice_of(bytes, length), buffer, &message, &end) == HELLO_NAME &&
	       take(&message, HANDSHAKE_HEADER_LENGTH + 2 + RANDOM_LENGTH, &fixed) &&
	       take_vector(&message, 1, session) && take_vector(&message, 2, &vector) &&
	       take_vector(&message, 1, &vector) &&
	       (!message.length || take_vector(&message, 2, extensions));
}

bool hello_parse_offer(const unsigned char *bytes, size_t length, struct hello_offer *offer)
{
	struct slice session, extensions, ticket = { 0 };

	if (!take_apart(bytes, length, offer->message, &session, &extensions) ||
		!find_extension(extensions, EXTENSION_SESSION_TICKET, &ticket))
		return false;
	offer->id = (const unsigned char *)session.bytes;
	offer->id_length = session.length;
	offer->ticket = (const unsigned char *)ticket.bytes;
	offer->ticket_length = ticket.length;
	return true;
}

bool hello_offers_http1(const unsigned char *bytes, size_t length)
{
	static const char wanted[2][9] = { "http/1.1", "http/1.0" };
	unsigned char buffer[HELLO_LENGTH_MAX];
	struct slice session, extensions, protocols = { 0 }, list, name;

	if (!take_apart(bytes, length, buffer, &session, &extensions) ||
		!find_extension(extensions, EXTENSION_PROTOCOLS, &protocols))
		return false;
	if (!protocols.bytes)
		return true;
	if (!take_vector(&protocols, 2, &list))
		return false;
	while (take_vector(&list, 1, &name))
		if (name.length == sizeof(wanted[0]) - 1 &&
			(!memcmp(name.bytes, wanted[0], name.length) ||
				!memcmp(name.bytes, wanted[1], name.length)))
			return true;
	return false;
}

static bool may_precede(unsigned char type)
{
	return type == RECORD_CHANGE_CIPHER_SPEC || type == RECORD_ALERT ||
	       type == RECORD_APPLICATION_DATA;
}

size_t hello_skip(const unsigned char *bytes, size_t length)
{
	struct slice input = slice_of(bytes, length), header, content;
	size_t skipped = 0, record;

	while (input.length && may_precede((unsigned char)input.bytes[0]) &&
		take(&input, RECORD_HEADER_LENGTH - 2, &header) &&
		take_number(&input, 2, &record) && take(&input, record, &content))
		skipped = length - input.length;
	/* If the last record is not whole yet, all bytes come before the hello. */
	return skipped < length && may_precede(bytes[skipped]) ? length : skipped;
}
