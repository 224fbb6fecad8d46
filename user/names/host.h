/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The one grammar for a host, whoever names it: a flag, a file, a job spec, a Host header,
 * a CONNECT target, a server name in TLS, a DNS question. A host is bytes with a length; it
 * is checked whole against the grammar before anything compares it, and what comes out is
 * in canonical form: lower case, no trailing dot, addresses as inet_ntop(3) writes them.
 *
 * 	host	= name / IPv4 / "[" IPv6 "]"
 * 	name	= label *("." label) ["."], at most 253 bytes without the last dot
 * 	label	= 1 to 63 of a-z A-Z 0-9 _ -, neither first nor last a "-"
 *
 * A name whose last label is all digits, or starts with 0x, is meant as an IPv4 address and
 * has to be one in canonical form (WHATWG URL section 3.5 tells such names the same way).
 * An IPv6 zone ("%") is an error. Everything else is an error: NUL, control bytes, blanks,
 * brackets, userinfo, percent signs, non-ASCII bytes.
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

/* How an IPv6 literal is written where the host stands. */
enum host_brackets {
	HOST_BRACKETS,	  /* in brackets, as in a URL or a Host header */
	HOST_NO_BRACKETS, /* bare, as on the command line or in a DNS name */
};

/*
 * Parses the `length` bytes at `text` as a host, all of them.
 *
 * Returns 0; -EINVAL when they are no host, and `host` is then untouched.
 */
int host_parse(
	const char *text, size_t length, enum host_brackets brackets, struct host *host);

/*
 * Parses "host[:port]" as a Host header or a CONNECT target has it; IPv6 in brackets. A
 * port is 1 to 5 digits, 1 to 65535; `*port` (host byte order) is 0 when there is none.
 *
 * Returns 0 or -EINVAL, and then nothing is written.
 */
int host_parse_with_port(
	const char *text, size_t length, struct host *host, uint16_t *port);

/* Whether both are the same host. */
bool host_equal(const struct host *a, const struct host *b);

/* Whether `host` is the name `parent`, which is in canonical form, or one below it. */
bool host_is_below(const struct host *host, const char *parent);

/* The name of `host` behind the labels of a service before it ("_http._tcp.", RFC 2782): part of `host`, maybe empty. */
const char *host_without_service(const struct host *host);

/*
 * Whether a site may have this name, so that declaring it may help a job: more than one label, none of a service, and none of
 * the names that only a machine itself or its own network answers for.
 */
bool host_may_be_site(const struct host *host);

/* The key under which the job's domain map is asked for `host`; see struct domain_key. */
void host_key(const struct host *host, struct domain_key *key);
