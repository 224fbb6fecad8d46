/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Reads what a server says in the clear. The server may want a second ClientHello, resume a
 * session, or issue a ticket for one. The code is pure: bytes in, a verdict out.
 *
 *	TLS 1.3		ServerHello with `supported_versions`. The rest is encrypted (RFC
 *			8446 section 2).
 *	older, full	ServerHello, Certificate or others, ServerHelloDone. After the
 *			client's turn [NewSessionTicket], ChangeCipherSpec (RFC 5246
 *			section 7.3, RFC 5077 section 3.1).
 *	older, resumed	ServerHello, [NewSessionTicket], ChangeCipherSpec.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/siphash.h"
#include "proxy/tls_wire.h"

enum server_hello_result {
	SERVER_HELLO_MORE,    /* too little to tell */
	SERVER_HELLO_NO_TLS,  /* no TLS, or the end of it: a fatal alert */
	SERVER_HELLO_RETRY,   /* another ClientHello is wanted (RFC 8446 section 4.1.4) */
	SERVER_HELLO_TLS13,   /* TLS 1.3 or newer */
	SERVER_HELLO_FULL,    /* older, and no session is resumed */
	SERVER_HELLO_RESUMED, /* older, and a session is resumed */
	SERVER_HELLO_BAD,     /* none of these */
};

struct server_hello {
	unsigned char id[SESSION_ID_LENGTH_MAX];
	size_t id_length;
};

/*
 * Reads the `length` bytes that a server has sent so far. The first one is its first byte,
 * or the first after it wanted another ClientHello. `hello` is written only for
 * SERVER_HELLO_FULL and SERVER_HELLO_RESUMED.
 */
enum server_hello_result server_hello_parse(
	const unsigned char *bytes, size_t length, struct server_hello *hello);

/*
 * A watch looks for a NewSessionTicket. It begins at the first byte of a server, and ends
 * when the server changes to encryption.
 */
struct ticket_watch {
	unsigned char record[RECORD_HEADER_LENGTH], message[HANDSHAKE_HEADER_LENGTH];
	size_t record_header, message_header; /* bytes of these that were seen */
	size_t record_left, message_left;     /* bytes of their content still to come */
	size_t content;			      /* bytes of the message's content so far */
	struct siphash begun, hash;	      /* of a ticket */
	uint64_t mark;			      /* of the last whole ticket. 0: none */
};

/* Begins a watch. Tickets will be added to a copy of `hash`. */
void ticket_watch_begin(struct ticket_watch *watch, const struct siphash *hash);

/*
 * Looks at the next bytes. Returns whether more have to be looked at. If not, watch->mark
 * tells what was found.
 */
bool ticket_watch_see(
	struct ticket_watch *watch, const unsigned char *bytes, size_t length);
