/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Why something was refused. Counters, events, JSON, texts for people, answers of the proxy
 * and a table of docs/refusals.md come from this list.
 *
 * X(NAME, number, word, side, header, text):
 *	word	in JSON
 *	side	who refuses: "kernel", "proxy" or "both"
 *	header	what X-Jobfence-Denied says; "": no HTTP answer has this reason
 *	text	for people
 *
 * Append reasons, and never renumber them: events and maps keep the numbers.
 */
#define REASONS(X) \
	X(SOCKET, 1, "socket", "kernel", "", "a socket that is neither TCP nor UDP") \
	X(PORT, 2, "port", "kernel", "", "TCP to a port other than 80 and 443") \
	X(DATAGRAM, 3, "datagram", "kernel", "", "UDP to a port other than 53") \
	X(LOOPBACK, 4, "loopback", "kernel", "", \
		"the loopback of a namespace that is not the job's own") \
	X(NETWORK, 5, "network", "kernel", "", "a job that was given no network") \
	X(BIND, 6, "bind", "kernel", "", \
		"a port of a namespace that is not the job's own") \
	X(PACKET, 7, "packet", "kernel", "", \
		"a packet that goes neither to the proxy nor to the job itself") \
	X(HORIZON, 8, "horizon", "kernel", "", \
		"a packet beyond the horizon of the throttle") \
	X(DOMAIN, 9, "domain", "proxy", "domain", "a domain that the job did not declare") \
	X(ADDRESS, 10, "address", "proxy", "address", \
		"an address that is private, local or the node's own") \
	X(PROTOCOL, 11, "protocol", "proxy", "protocol", \
		"something that is not well-formed HTTP or TLS") \
	X(LIMIT, 12, "limit", "both", "limit", \
		"more connections or longer headers than the limit") \
	X(UPSTREAM, 13, "upstream", "kernel", "", \
		"a destination that the proxy itself may not open") \
	X(GUARD, 14, "guard", "proxy", "guard", \
		"TLS to a domain whose requests have to bear the job's header") \
	X(DENIED, 15, "denied", "proxy", "denied", "a domain that is denied") \
	X(UNIX, 16, "unix", "kernel", "", "a Unix socket of a process outside the job") \
	X(OPTION, 17, "option", "kernel", "", \
		"a multicast group, or another port to choose from") \
	X(SESSION, 18, "session", "proxy", "", \
		"a TLS session that the job did not begin under the same name") \
	X(ECH, 19, "ech", "proxy", "", \
		"TLS with an encrypted ClientHello (ECH), which can hide a name") \
	X(RULE, 20, "rule", "proxy", "rule", \
		"a request that no rule for its domain allows, or TLS, which hides requests") \
	X(HTTP2, 21, "http2", "proxy", "", \
		"TLS for HTTP/2 alone to a domain whose TLS the proxy opens")

enum reason {
	REASON_COUNT = 22, /* one more than the last */
#define X(name, number, word, side, header, text) REASON_##name = (number),
	REASONS(X)
#undef X
};

#ifndef __bpf__

/* The word of a reason in JSON. */
static inline const char *reason_word(enum reason reason)
{
	static const char *const words[REASON_COUNT] = {
#define X(name, number, word, side, header, text) [number] = (word),
		REASONS(X)
#undef X
	};

	return reason > 0 && reason < REASON_COUNT ? words[reason] : "unknown";
}

/* What was refused, as part of a sentence. */
static inline const char *reason_text(enum reason reason)
{
	static const char *const texts[REASON_COUNT] = {
#define X(name, number, word, side, header, text) [number] = (text),
		REASONS(X)
#undef X
	};

	return reason > 0 && reason < REASON_COUNT ? texts[reason] : "an unknown reason";
}

/* What X-Jobfence-Denied says for a reason; "" for a reason that no HTTP answer has. */
static inline const char *reason_header(enum reason reason)
{
	static const char *const headers[REASON_COUNT] = {
#define X(name, number, word, side, header, text) [number] = (header),
		REASONS(X)
#undef X
	};

	return reason > 0 && reason < REASON_COUNT ? headers[reason] : "";
}

#endif
