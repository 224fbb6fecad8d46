/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Reads the server name of a TLS ClientHello (RFC 8446 section 4.1.2, RFC 6066 section 3).
 * The hello may be cut into records and segments in any way. The code is pure: bytes in, a
 * host out. Call it again when more bytes have come.
 */

#include <stdbool.h>
#include <stddef.h>

#include "names/host.h"

#define HELLO_LENGTH_MAX 16384 /* bytes of records that a ClientHello may take */

enum hello_result {
	HELLO_MORE,    /* well-formed so far */
	HELLO_NAME,    /* `host` is the server name */
	HELLO_NO_NAME, /* a whole ClientHello without a server name */
	/* No ClientHello, or one that is not allowed: too long, two names, no host. */
	HELLO_BAD,
};

/*
 * Reads the `length` bytes that a client has sent so far, from its first byte on. `host` is
 * written for HELLO_NAME only.
 *
 * For HELLO_NAME and HELLO_NO_NAME, `*end` is how many bytes the ClientHello takes.
 * `*encrypted` tells whether it carries an encrypted one (ECH, RFC 9849), whose name may be
 * another.
 */
enum hello_result hello_parse(const unsigned char *bytes, size_t length, struct host *host,
	bool *encrypted, size_t *end);

/*
 * Whether a ClientHello leaves HTTP/1 open: it names no protocols, or this one among them
 * (RFC 7301 section 3.1). The `length` bytes hold the hello, and hello_parse() found no
 * fault in it.
 */
bool hello_offers_http1(const unsigned char *bytes, size_t length);

/* The session that a ClientHello of TLS 1.2 or older offers to resume. */
struct hello_offer {
	unsigned char message[HELLO_LENGTH_MAX];
	const unsigned char *id, *ticket; /* in `message` */
	size_t id_length, ticket_length;  /* 0: none */
};

/*
 * Finds the session id and the ticket (RFC 5077 section 3.2) in a ClientHello. The `length`
 * bytes hold the hello, and hello_parse() found no fault in it. Returns whether `offer`
 * tells what the hello offers.
 */
bool hello_parse_offer(
	const unsigned char *bytes, size_t length, struct hello_offer *offer);

/*
 * Returns how many bytes come before a second ClientHello. The `length` bytes are those
 * that the client has sent since the server wanted one. These may come before it (RFC 8446
 * sections 4.2.10, 6, D.4):
 *
 *	early data, which the server skips
 *	alerts
 *	records for the sake of old equipment
 *
 * The second hello begins in a record of the handshake, or after all of the bytes.
 */
size_t hello_skip(const unsigned char *bytes, size_t length);
