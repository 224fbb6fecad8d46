/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The server name of a TLS ClientHello (RFC 8446 section 4.1.2, RFC 6066 section 3),
 * however it is cut into records and segments. Pure: bytes in, a host out; called again
 * with more bytes.
 */

#include <stddef.h>

#include "names/host.h"

#define HELLO_LENGTH_MAX 16384 /* bytes of records that a ClientHello may take */

enum hello_result {
	HELLO_MORE,    /* well-formed so far */
	HELLO_NAME,    /* `host` is the server name */
	HELLO_NO_NAME, /* a whole ClientHello without a server name */
	/* No ClientHello, or one that is not allowed: too long, two names, no host, an
	 * encrypted one (RFC 9849) whose real name can't be checked. */
	HELLO_BAD,
};

/*
 * Reads the `length` bytes that a client has sent so far, from its first byte on. `host` is
 * written for HELLO_NAME only.
 */
enum hello_result hello_parse(const unsigned char *bytes, size_t length, struct host *host);
