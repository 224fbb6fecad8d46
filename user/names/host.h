/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The one grammar for a host. It holds for a flag, a file, a job spec, a Host header, a
 * CONNECT target, a server name in TLS and a DNS question. A host is bytes with a length.
 * It is checked whole against the grammar before anything compares it. The result is in
 * canonical form: lower case, no trailing dot, addresses as inet_ntop(3) writes them.
 *
 * 	host	= name / IPv4 / "[" IPv6 "]"
 * 	name	= label *("." label) ["."], at most 253 bytes without the last dot
 * 	label	= 1 to 63 of a-z A-Z 0-9 _ -
 *
 * A name whose last label is all digits, or starts with 0x, is meant as an IPv4 address.
 * It has to be one in canonical form (WHATWG URL section 3.5 recognizes such names in the
 * same way).
 *
 * An IPv6 zone ("%") is an error. Everything else is an error too: NUL, control bytes,
 * blanks, brackets, userinfo, percent signs, non-ASCII bytes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jobfence/abi.h"

struct host {
	char name[NAME_LENGTH_MAX + 1]; /* canonical, NUL-terminated, without brackets */
	uint8_t length;			/* of name */
	bool literal;			/* an address: `address` holds it */
	struct address address;
};

/* How an IPv6 literal is written in the place of a host. */
enum host_brackets {
	HOST_BRACKETS,	  /* in brackets, as in a URL or a Host header */
	HOST_NO_BRACKETS, /* bare, as on the command line or in a DNS name */
};

/*
 * Parses all of the `length` bytes at `text` as a host.
 *
 * Returns 0, or -EINVAL if they are no host. On an error `host` is untouched.
 */
int host_parse(
	const char *text, size_t length, enum host_brackets brackets, struct host *host);

/*
 * Parses "host[:port]" of a Host header or a CONNECT target, with IPv6 in brackets. A
 * port is 1 to 5 digits, 1 to 65535. `*port` (host byte order) is 0 if there is no port.
 *
 * Returns 0, or -EINVAL with nothing written.
 */
int host_parse_with_port(
	const char *text, size_t length, struct host *host, uint16_t *port);

/* Whether both are the same host. */
bool host_equal(const struct host *a, const struct host *b);

/* Whether `host` is `parent`, a name in canonical form, or a name below it. */
bool host_is_below(const struct host *host, const char *parent);

/*
 * The name of `host` after the labels of a service ("_http._tcp.", RFC 2782). The name is a
 * part of `host`, and may be empty.
 */
const char *host_without_service(const struct host *host);

/*
 * Whether a site may have this name, so that declaring it may help a job. Such a name has
 * more than one label, and no label of a service. It is no name that only a machine
 * itself or its own network answers for.
 */
bool host_may_be_site(const struct host *host);

/* The hash of a host (FNV-1a). Whoever chooses names can find two with one hash. */
uint64_t host_hash(const struct host *host);

/* Writes the key that looks up `host` in the job's domain map. See struct domain_key. */
void host_key(const struct host *host, struct domain_key *key);
